"""Shell read for commands without verification, with the file's own variables followed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from toolkit_https.scan.model import Hit, words_of
from toolkit_https.scan.programs import PROGRAMS, Word, program_of, verdict
from toolkit_https.scan.shellwords import Command, assignment, commands
from toolkit_https.scan.variables import VARIABLES, switched_off

PREFIXES = words_of(
    "if then elif else while until do time exec command builtin nohup ! { ( && || exec eval "
    "export declare typeset local readonly env"
)
"""Words that a command follows at once."""
CARRIERS = words_of(
    "sudo doas timeout xargs nice ionice ssh docker podman kubectl chroot su runuser watch "
    "parallel find env retry stdbuf setsid strace unshare nsenter proxychains run eatmydata"
)
"""Programs that run another: the first known one among their words."""
SHELLS = words_of("sh bash dash ksh zsh ash su ssh eval")
MAX_DEPTH = 5
"""How deep commands in texts of commands are followed."""


def hits(text: str, depth: int = 0) -> list[Hit]:
    """Return what is found in a text of shell."""
    found = list(commands(text))
    values = _variables(found)
    return [hit for command in found for hit in _of(command, values, depth)]


def _variables(found: Sequence[Command]) -> Mapping[str, str]:
    """Return the variables that the text sets to one value only."""
    values: dict[str, set[str]] = {}
    for command in found:
        for word in command.words:
            name, value = assignment(word.text)
            if name:
                values.setdefault(name, set()).add(value)
    return {name: one.pop() for name, one in values.items() if len(one) == 1}


def _of(command: Command, values: Mapping[str, str], depth: int) -> Iterator[Hit]:
    for word in command.words:
        yield from _assigned(word, depth)
    words = [part for word in command.words for part in _expanded(word, values)]
    start = _start(words)
    if start is not None:
        for found in verdict(words[start:]):
            yield _hit(found.rule, found.word, found.message, found.remedy)
    if depth < MAX_DEPTH and words:
        yield from _inner(words, depth)


def _assigned(word: Word, depth: int) -> Iterator[Hit]:
    """NAME=VALUE: a variable that switches off, or a command kept for later."""
    name, value = assignment(word.text)
    if not name:
        return
    if switched_off(name, value):
        shown = value or "''"
        yield _hit("environment-off", word, f"{name}={shown}", VARIABLES[name].remedy)
    elif depth < MAX_DEPTH and " " in value.strip() and program_of(value.split()[0]) in PROGRAMS:
        yield from _moved(hits(value, depth + 1), word)


def _expanded(word: Word, values: Mapping[str, str]) -> list[Word]:
    """Return the words that a variable stands for, where the whole word is one."""
    text = word.text
    name = text[2:-1] if text.startswith("${") and text.endswith("}") else text[1:]
    name = name.removesuffix("[@]").removesuffix("[*]")
    if not text.startswith("$") or name not in values:
        return [word]
    value = values[name]
    inner = value.strip("()") if value.startswith("(") else value
    return [Word(part.strip("'\""), word.line, word.column) for part in inner.split()]


def _start(words: Sequence[Word]) -> int | None:
    """Return where the known program of a command is, or None."""
    carried = False
    for at, word in enumerate(words):
        name = program_of(word.text)
        if name in PROGRAMS:
            return at
        if name in CARRIERS:
            carried = True
        elif not (carried or word.text in PREFIXES or assignment(word.text)[0]):
            return None
    return None


def _inner(words: Sequence[Word], depth: int) -> Iterator[Hit]:
    """Follow the text that a shell is given: sh -c '…', ssh host '…', eval '…'."""
    names = {program_of(word.text) for word in words}
    if not names & SHELLS:
        return
    for word in words[1:]:
        if " " in word.text:
            yield from _moved(hits(word.text, depth + 1), word)


def _moved(found: Sequence[Hit], word: Word) -> Iterator[Hit]:
    """Return hits in a word's text as hits at the word."""
    for hit in found:
        yield _hit(hit.rule, word, hit.message, hit.remedy)


def _hit(rule: str, word: Word, message: str, remedy: str) -> Hit:
    end = word.column + len(word.text)
    return Hit(rule, word.line, word.column, message, remedy, word.line, end)
