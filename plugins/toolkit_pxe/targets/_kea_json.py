"""Kea's JSON: comments, quoting, and options whose octets come out as they went in.

Kea reads JSON with `//` comments (Kea ARM, "JSON Configuration"); each of ours has a line of its
own, so that what is left without them is plain JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from toolkit.text import clean

COMMENT = "// "
_PLAIN = frozenset(map(chr, range(0x21, 0x7F))) - {"\\"} | {" "}


def compact(value: object) -> str:
    """Return JSON on one line; control characters are escaped, all else stays readable."""
    return json.dumps(value, ensure_ascii=False)


def indent(text: str) -> str:
    """Return lines two columns further in."""
    return "  " + text.replace("\n", "\n  ")


def comment(text: str) -> str:
    """Return a comment on a line of its own, whatever the text holds."""
    return COMMENT + clean(text, limit=500)


def mapping(pairs: Iterable[tuple[str, str]]) -> str:
    """Return an object of (key, JSON text), a line or more for each."""
    body = ",\n".join(f'"{key}": {text}' for key, text in pairs)
    return f"{{\n{indent(body)}\n}}" if body else "{}"


def listing(items: Sequence[str], comments: Sequence[str] = ()) -> str:
    """Return a list of JSON texts, each with a comment before it where there is one."""
    if not items:
        return "[]"
    if comments:
        items = [f"{said}\n{item}" for said, item in zip(comments, items, strict=True)]
    body = ",\n".join(items)
    return f"[\n{indent(body)}\n]"


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
