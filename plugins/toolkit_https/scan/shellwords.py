"""A text of shell cut into commands and words, as far as finding options needs it.

Quotes, comments, continued lines, substitutions and here-documents are kept apart (POSIX.1-2024,
Shell Command Language, 2.2 to 2.7); nothing is expanded. It never fails: what is left open ends
with the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from toolkit_https.scan.programs import Word

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z_0-9]*)\+?=(.*)", re.DOTALL)
_HERE = re.compile(r"<<(-?)[ \t]*(\\?)(['\"]?)([A-Za-z_0-9.!-]+)\3")
_REDIRECTION = re.compile(r"[0-9]*(?:>>|>\||>&|<&|<>|&>>|&>|>|<)")
_ENDS = ";&|()\n"
SHELLS = re.compile(r"(?:^|[/\s])(?:ba|da|k|z|a)?sh(?:\s|$)|(?:^|\s)ssh\s")


@dataclass(frozen=True, slots=True)
class Command:
    """A simple command: its words, assignments among them."""

    words: tuple[Word, ...]


def assignment(text: str) -> tuple[str, str]:
    """Return name and value of NAME=VALUE, or two empty texts."""
    match = _ASSIGNMENT.fullmatch(text)
    return (match[1], match[2]) if match else ("", "")


def commands(text: str) -> Iterator[Command]:
    """Yield every simple command of `text`, those in substitutions included."""
    reader = _Reader(text)
    yield from (Command(tuple(words)) for words in reader.read())


@dataclass(slots=True)
class _Reader:
    """Reads a text once from its beginning to its end."""

    text: str
    at: int = 0
    line: int = 1
    begin: int = 0
    """Where the line begins, for columns."""
    done: list[list[Word]] = field(default_factory=list)
    here: list[tuple[str, bool]] = field(default_factory=list)
    """Here-documents that begin after this line: what ends each, and whether a shell reads it."""

    def read(self) -> list[list[Word]]:
        """Read all of it and return the words of each command."""
        while self.at < len(self.text):
            self._command("")
            self._step()  # what ended the command: a closing parenthesis of another
        return self.done

    def _command(self, until: str) -> None:
        """Read commands up to `until` (")" or "`"), or to the end."""
        words: list[Word] = []
        while self.at < len(self.text) and (not until or self._char() != until):
            char = self._char()
            if char in _ENDS:
                words = self._finish(words)
                self._after_line() if char == "\n" else self._step()
            elif char in " \t\r":
                self._step()
            elif char == "#":
                self._comment()
            elif self.text.startswith("\\\n", self.at):
                self._step(2)
            elif not self._redirection(words):
                words.append(self._word(until))
        self._finish(words)

    def _finish(self, words: list[Word]) -> list[Word]:
        if words:
            self.done.append(words)
        return []

    def _char(self) -> str:
        return self.text[self.at]

    def _step(self, count: int = 1) -> str:
        """Go on by `count` characters and return them."""
        passed = self.text[self.at : self.at + count]
        for offset, char in enumerate(passed):
            if char == "\n":
                self.line += 1
                self.begin = self.at + offset + 1
        self.at += count
        return passed

    def _comment(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end

    def _redirection(self, words: list[Word]) -> bool:
        """Pass over a redirection's operator; its file is a word that no option can be."""
        match = _HERE.match(self.text, self.at)
        if match and not self.text.startswith("<<<", self.at):
            commanded = " ".join(word.text for word in words)
            self.here.append((match[4], bool(SHELLS.search(f"{commanded} "))))
            self._step(match.end() - self.at)
            return True
        match = _REDIRECTION.match(self.text, self.at)
        if not match:
            return False
        self._step(match.end() - self.at)
        while self.at < len(self.text) and self._char() in " \t":
            self._step()
        if self.at < len(self.text) and self._char() not in _ENDS:
            self._word("")
        return True

    def _after_line(self) -> None:
        """Pass the end of the line, and the here-documents that begin there."""
        self._step()
        waiting, self.here = self.here, []
        for end, is_shell in waiting:
            self._here_document(end, is_shell=is_shell)

    def _here_document(self, end: str, *, is_shell: bool) -> None:
        """Pass over a here-document; one that a shell reads is left to be read as commands."""
        if is_shell:
            return
        while self.at < len(self.text):
            stop = self.text.find("\n", self.at)
            stop = len(self.text) if stop < 0 else stop
            line = self.text[self.at : stop]
            self._step(stop - self.at + 1)
            if line.strip() == end:
                return

    def _word(self, until: str) -> Word:
        """Read one word; substitutions in it become commands of their own."""
        line, column = self.line, self.at - self.begin + 1
        parts: list[str] = []
        while self.at < len(self.text):
            char = self._char()
            if char in _ENDS or char in " \t\r<>" or (until and char == until):
                if not (char == "(" and parts and parts[-1].endswith("=")):
                    break
                parts.append(self._array())
            else:
                parts.append(self._part())
        if not parts:
            self._step()
        return Word("".join(parts), line, column)

    def _array(self) -> str:
        """Read NAME=(a b c): its words are the variable's."""
        begin = self.at
        self._step()
        while self.at < len(self.text) and self._char() != ")":
            self._part()
        self._step()
        return self.text[begin : self.at]

    def _part(self) -> str:
        char = self._char()
        if char == "\\":
            return self._step(2)[1:].replace("\n", "")
        if char == "'":
            return self._quoted()
        if char == '"':
            return self._double_quoted()
        if char == "`" or self.text.startswith("$(", self.at):
            return self._substitution()
        if self.text.startswith("${", self.at):
            return self._braces()
        return self._step()

    def _quoted(self) -> str:
        end = self.text.find("'", self.at + 1)
        end = len(self.text) if end < 0 else end
        return self._step(end - self.at + 1)[1:].removesuffix("'")

    def _double_quoted(self) -> str:
        self._step()
        parts: list[str] = []
        while self.at < len(self.text) and self._char() != '"':
            parts.append(self._step() if self._char() == "'" else self._part())
        self._step()
        return "".join(parts)

    def _substitution(self) -> str:
        """Read $(…) or `…`; what it gives isn't known."""
        begin = self.at
        until = ")" if self._step() == "$" else "`"
        if until == ")":
            self._step()
        self._command(until)
        self._step()
        return "$(…)" if begin < self.at else ""

    def _braces(self) -> str:
        end = self.text.find("}", self.at)
        end = len(self.text) - 1 if end < 0 else end
        return self._step(end - self.at + 1)
