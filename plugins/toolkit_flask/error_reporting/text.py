"""Text from outside, made safe to write: nothing in it can forge a line, a header or a terminal.

CR and LF forge lines, ESC drives terminals, NUL cuts strings, bidirectional controls reorder what
is read (Trojan Source, CVE-2021-42574), lone surrogates cannot be encoded.
"""

from __future__ import annotations

_LATIN_1, _BASIC_PLANE = 0xFF, 0xFFFF


def _escape(character: str) -> str:
    if character.isprintable():
        return character
    number = ord(character)
    if number <= _LATIN_1:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= _BASIC_PLANE else f"\\U{number:08x}"


def clean(text: str, limit: int = 500) -> str:
    """Return at most `limit` characters of `text`, on one line, what is not printable escaped."""
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isprintable():
        return text
    return "".join(map(_escape, text))


def clean_lines(text: str, limit: int = 4000) -> str:
    """Return `text` likewise, but with its line feeds kept: for what is shown indented."""
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isprintable():
        return text
    return "\n".join(clean(line, limit) for line in text.split("\n"))


def shown(value: object, limit: int = 500) -> str:
    """Return `str(value)`, cleaned; objects whose `__str__` fails are named by their class."""
    try:
        return clean(str(value), limit)
    except Exception:  # a stranger's __str__ may raise anything
        return f"<{type(value).__name__}, which can't be shown>"
