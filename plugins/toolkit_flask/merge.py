"""Three-way merge of lines: what the user changed and what a later version changed, both kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class Merged:
    """The merged text; each of `conflicts` places holds both sides between markers."""

    text: bytes
    conflicts: int


def split(raw: bytes) -> list[bytes]:
    """Return the lines of `raw` with their ends; nothing else than a line feed ends one."""
    return _LINE.findall(raw)


def merge(base: bytes, ours: bytes, theirs: bytes, *, label: str = "new") -> Merged:
    """Merge the changes base → ours and base → theirs (diff3, Khanna and others 2007).

    Where both changed the same lines differently, both stay, between the markers of git-merge(1).
    """
    old, mine, new = split(base), split(ours), split(theirs)
    to_mine, to_new = _matches(old, mine), _matches(old, new)
    anchors = [at for at in range(len(old)) if at in to_mine and at in to_new]
    out: list[bytes] = []
    conflicts = i = j = k = 0
    for at in [*anchors, len(old)]:
        end_mine, end_new = to_mine.get(at, len(mine)), to_new.get(at, len(new))
        chunk = _resolve(old[i:at], mine[j:end_mine], new[k:end_new])
        if chunk is None:
            conflicts += 1
            chunk = _marked(mine[j:end_mine], new[k:end_new], label)
        out += chunk
        out += old[at : at + 1]
        i, j, k = at + 1, end_mine + 1, end_new + 1
    return Merged(b"".join(out), conflicts)


def _matches(old: list[bytes], other: list[bytes]) -> dict[int, int]:
    blocks = SequenceMatcher(None, old, other, autojunk=False).get_matching_blocks()
    return {block.a + n: block.b + n for block in blocks for n in range(block.size)}


def _resolve(
    old: Sequence[bytes], mine: Sequence[bytes], new: Sequence[bytes]
) -> list[bytes] | None:
    if mine in (old, new):
        return list(new)
    return list(mine) if new == old else None


def _marked(mine: Sequence[bytes], new: Sequence[bytes], label: str) -> list[bytes]:
    return [
        b"<<<<<<< yours\n", *_ended(mine), b"=======\n", *_ended(new),
        f">>>>>>> {label}\n".encode(),
    ]  # fmt: skip


def _ended(lines: Sequence[bytes]) -> list[bytes]:
    return [line if line.endswith(b"\n") else line + b"\n" for line in lines]
