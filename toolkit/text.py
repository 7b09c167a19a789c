"""Text that others chose, made safe to show; and the word a user probably meant.

Names in certificates, answers of servers and contents of files reach a terminal only through
`clean`: control characters move cursors and set titles, bidirectional ones reorder what is read.
"""

from __future__ import annotations

from collections.abc import Iterable

_LATIN_1, _BASIC_PLANE = 0xFF, 0xFFFF


def _escape(character: str) -> str:
    """Escape what Unicode calls not printable: categories C* and Z*, but for the blank.

    That is control, format (bidi among them), surrogate, private and unassigned characters.
    """
    if character.isprintable():
        return character
    number = ord(character)
    if number <= _LATIN_1:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= _BASIC_PLANE else f"\\U{number:08x}"


def clean(text: str, *, limit: int = 0) -> str:
    """Return `text` on one line with every character that could act rather than show escaped.

    `limit` (characters, 0: none) cuts long text and ends it with an ellipsis.
    """
    if limit and len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_escape, text))


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice that `word` is probably a slip of, or None: for "did you mean"."""
    from difflib import get_close_matches  # only needed once something went wrong

    found = get_close_matches(word, list(choices), n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return the hint `did you mean "…"?`, or an empty string where nothing is near."""
    near = nearest(word, choices)
    return f'did you mean "{near}"?' if near else ""
