"""Kea's JSON: comments, quoting, and options whose octets come out as they went in.

Kea reads JSON with `//` comments (Kea ARM, "JSON Configuration"); each of ours has a line of its
own, so that what is left without them is plain JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from toolkit.text import clean

COMMENT = "// "
_PLAIN = frozenset(map(chr, range(0x21, 0x7F))) - {"\\"} | {" "}


def compact(value: object) -> str:
    """Return JSON on one line; control characters are escaped, all else stays readable."""
    return json.dumps(value, ensure_ascii=False)


def comment(text: str) -> str:
    """Return a comment on a line of its own, whatever the text holds."""
    return COMMENT + clean(text, limit=500)


@dataclass(frozen=True, slots=True)
class Block:
    """An object or a list over several lines; entries are in order, each with what is before it."""

    ends: str
    entries: Sequence[tuple[str, Node]]


Node = str | list[str] | Block
"""JSON on one line, a list of such lines, or a block."""


def mapping(pairs: Iterable[tuple[str, Node]]) -> Block:
    """Return an object, a line or more for each key."""
    return Block("{}", [(f'"{key}": ', value) for key, value in pairs])


def listing(items: Iterable[Node]) -> Block:
    """Return a list, a line or more for each item."""
    return Block("[]", [("", item) for item in items])


def write(node: Node, pad: str = "") -> str:
    """Return the text; every line but the first begins with `pad`."""
    if isinstance(node, str):
        return node
    inner = pad + "  "
    separator = ",\n" + inner
    if isinstance(node, list):
        return f"[\n{inner}{separator.join(node)}\n{pad}]" if node else "[]"
    if not node.entries:
        return node.ends
    body = separator.join(
        [head.replace("\n", "\n" + inner) + write(item, inner) for head, item in node.entries]
    )
    return f"{node.ends[0]}\n{inner}{body}\n{pad}{node.ends[1]}"


def plain(text: str) -> Any:  # noqa: ANN401  JSON
    """Return what Kea reads from a configuration of ours."""
    lines = [line for line in text.split("\n") if not line.lstrip().startswith("//")]
    return json.loads("\n".join(lines))


def option_data(code: int, data: bytes, *, always: bool = False) -> dict[str, object]:
    r"""Return an entry of option-data for exactly these octets of an option of any type.

    Kea splits text at commas and has \, for one, takes spaces off the ends, and reads a backslash
    as an escape only before those: what isn't plain text is hexadecimal.
    """
    entry: dict[str, object] = {"code": code, "csv-format": False, "data": data.hex().upper()}
    return entry | {"always-send": True} if always else entry


def option_text(code: int, data: bytes, *, always: bool = False) -> dict[str, object]:
    """Return an entry for an option that Kea defines as a string, readable where it can be."""
    text = data.decode("latin-1")
    if not text or text != text.strip() or not _PLAIN.issuperset(text):
        return option_data(code, data, always=always)
    entry: dict[str, object] = {"code": code, "data": text.replace(",", r"\,")}
    return entry | {"always-send": True} if always else entry
