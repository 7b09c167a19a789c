"""Values made safe for the format they are put into: each format has a filter of its own.

A template can print nothing else: the environment refuses text that went through no filter, so a
value that somebody forgot to quote is an error of the template and never a line of configuration.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping

_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
_MARKDOWN = re.compile(r"([!-/:-@\[-`{-~])")
_TICKS = re.compile(r"`+")


class Quoted(str):
    """Text that is safe in the format it was quoted for."""

    __slots__ = ()


def finalize(value: object) -> object:
    """Let a template print quoted text only. Raises TypeError for anything else."""
    if isinstance(value, Quoted):
        return value
    raise TypeError(f"the template prints {type(value).__name__} through no filter for its format")


def _line(value: object, format_: str) -> str:
    """Return `value` as text of one line. Raises ValueError where the format has no way to hold it.

    Lone surrogates are no UTF-8 (RFC 3629, 3) and the others end or hide a line.
    """
    text = str(value)
    if _BREAKS.search(text):
        raise ValueError(f"{text!r} has a character that {format_} cannot hold")
    return text


def name(value: object) -> Quoted:
    """An identifier, a module's or a distribution's name: the same in every format."""
    text = str(value)
    if not _IDENTIFIER.fullmatch(text):
        raise ValueError(f"{text!r} is no name")
    return Quoted(text)


def number(value: object) -> Quoted:
    """A whole number."""
    if type(value) is not int:
        raise ValueError(f"{value!r} is no whole number")
    return Quoted(value)


def _escaped(text: str, quotes: Mapping[str, str], long: str) -> str:
    """Return `text` with `quotes` replaced, and by number what is not printable."""
    out = []
    for character in text:
        code = ord(character)
        if character in quotes:
            out.append(quotes[character])
        elif character.isprintable():
            out.append(character)
        else:
            out.append(f"\\u{code:04x}" if code <= 0xFFFF else long.format(code))  # noqa: PLR2004
    return "".join(out)


def python(value: object) -> Quoted:
    """A literal of Python: text, a whole number, a truth value, or a list of text."""
    if isinstance(value, list | tuple):
        return Quoted("[" + ", ".join(python(item) for item in value) + "]")
    if value is None or isinstance(value, bool | int):
        return Quoted(repr(value))
    return Quoted('"' + _escaped(str(value), {"\\": "\\\\", '"': '\\"'}, "\\U{:08x}") + '"')


def toml(value: object) -> Quoted:
    """A basic string of TOML 1.0, or a list of them. A lone surrogate is none: ValueError."""
    if isinstance(value, list | tuple):
        return Quoted("[" + ", ".join(toml(item) for item in value) + "]")
    text = str(value)
    text.encode()  # UnicodeEncodeError is a ValueError
    return Quoted('"' + _escaped(text, {"\\": "\\\\", '"': '\\"'}, "\\U{:08x}") + '"')


def systemd(value: object) -> Quoted:
    """A whole setting of a unit: specifiers doubled (systemd.unit(5)).

    Blanks at its ends are dropped and a backslash at its end would join the next line
    (systemd.syntax(7)): both are refused.
    """
    text = _line(value, "a systemd unit")
    if text != text.strip() or text.endswith("\\") or not text:
        raise ValueError(f"{text!r} cannot be a setting of a systemd unit")
    return Quoted(text.replace("%", "%%"))


def systemd_word(value: object) -> Quoted:
    """One word of a list in a unit: quoted, escaped (systemd.syntax(7))."""
    text = _line(value, "a systemd unit")
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%")):
        text = text.replace(plain, escaped)
    return Quoted(f'"{text}"')


def systemd_argument(value: object) -> Quoted:
    """One word of a command line in a unit, where `$$` is a dollar sign (systemd.service(5))."""
    return Quoted(systemd_word(value).replace("$", "$$"))


def environment(value: object) -> Quoted:
    """A value in an environment file, for systemd.exec(5) and a POSIX shell alike."""
    text = _line(value, "an environment file")
    return Quoted('"' + re.sub(r'(["\\$`])', r"\\\1", text) + '"')


def logrotate(value: object) -> Quoted:
    """The path of a log: a glob(7) pattern for itself alone, in popt(3)'s double quotes.

    popt takes a backslash away from a quotation mark only, so that glob sees all the others. Braces
    begin logrotate's own block, even in quotes (measured with 3.21): they are refused.
    """
    text = _line(value, "a logrotate configuration")
    if "{" in text or "}" in text:
        raise ValueError(f"{text!r} has a brace, which logrotate cannot read in a path")
    return Quoted('"' + re.sub(r'([\\*?\[\]"])', r"\\\1", text) + '"')


def shell(value: object) -> Quoted:
    """One word of a POSIX shell."""
    return Quoted(shlex.quote(_line(value, "a command line")))


def markdown(value: object) -> Quoted:
    """Text of a paragraph: every ASCII punctuation character escaped (CommonMark 0.31, 2.4)."""
    text = _line(value, "a Markdown paragraph")
    return Quoted(_MARKDOWN.sub(r"\\\1", text))


def markdown_code(value: object) -> Quoted:
    """A code span, fenced by more backticks than it holds (CommonMark 0.31, 6.1)."""
    text = _line(value, "a Markdown code span")
    fence = "`" * (max((len(run) for run in _TICKS.findall(text)), default=0) + 1)
    blank = " " if text.strip() and (text[0] in "` " or text[-1] in "` ") else ""
    return Quoted(f"{fence}{blank}{text}{blank}{fence}")


FILTERS: Mapping[str, Callable[[object], Quoted]] = {
    "name": name,
    "number": number,
    "python": python,
    "toml": toml,
    "systemd": systemd,
    "systemd_argument": systemd_argument,
    "systemd_word": systemd_word,
    "environment": environment,
    "logrotate": logrotate,
    "shell": shell,
    "markdown": markdown,
    "markdown_code": markdown_code,
}
"""What a template may print a value with, by name."""
