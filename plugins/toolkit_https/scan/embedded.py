"""Shell inside other files: Dockerfiles and Makefiles, made plain shell line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from toolkit_https.scan import shell
from toolkit_https.scan.model import Hit

_INSTRUCTION = re.compile(
    r"^([ \t]*)(ONBUILD[ \t]+)?(FROM|RUN|CMD|LABEL|MAINTAINER|EXPOSE|ENV|ADD|COPY|ENTRYPOINT|VOLUME"
    r"|USER|WORKDIR|ARG|STOPSIGNAL|HEALTHCHECK|SHELL)([ \t]+)(.*)$",
    re.IGNORECASE,
)
_BEFORE = re.compile(r"^(?:--[a-z-]+(?:=\S+)?[ \t]+)*(?:CMD[ \t]+)?(?:<<-?['\"]?\w+['\"]?)?")
"""Options of an instruction, and the mark of a here-document: its lines are the commands."""
_RUNNING = frozenset({"RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK", "SHELL"})
_SETTING = frozenset({"ENV", "ARG"})
_OLD_ENV = re.compile(r"^([A-Za-z_][A-Za-z_0-9]*)[ \t]+(?!=)(.*)$")
_MAKE_VARIABLE = re.compile(r"^(?:export[ \t]+|override[ \t]+)*([A-Za-z_][\w]*)[ \t]*"
                            r"(?:::?:?|\?|\+)?=[ \t]*(.*)$")  # fmt: skip
_MAKE_REFERENCE = re.compile(r"\$\(([A-Za-z_]\w*)\)")


def dockerfile_hits(text: str) -> list[Hit]:
    """Return what is found in a Dockerfile (or Containerfile): instructions that run or set."""
    return shell.hits("\n".join(_of_dockerfile(text.split("\n"))))


def _of_dockerfile(lines: list[str]) -> Iterator[str]:
    """Yield the lines as shell, in their places; what is no command is blanked."""
    continued, kept = False, False
    for line in lines:
        if continued and line.lstrip().startswith("#"):
            yield "\\" if kept else ""  # Docker takes comments out of continued lines
            continue
        match = None if continued else _INSTRUCTION.match(line)
        if match:
            kept = match[3].upper() in _RUNNING | _SETTING
        elif not continued and not line.strip().startswith("#"):
            kept = kept and bool(line.strip())  # the text of a here-document
        yield (_instruction(match) if match else line) if kept else ""
        continued = line.rstrip().endswith("\\")


def _instruction(match: re.Match[str]) -> str:
    """Return an instruction as shell: blanks for its name, so that the rest keeps its place."""
    before = " " * len(match[1] + (match[2] or "") + match[3] + match[4])
    rest = match[5]
    if match[3].upper() in _SETTING:
        old = _OLD_ENV.match(rest)
        return f"{before}{old[1]}={old[2]}" if old and "=" not in old[1] else before + rest
    rest = _BEFORE.sub(lambda found: " " * len(found[0]), rest)
    if rest.lstrip().startswith("["):
        rest = re.sub(r'[\[\],](?=(?:[^"]*"[^"]*")*[^"]*$)', " ", rest)
    return before + rest


def makefile_hits(text: str) -> list[Hit]:
    """Return what is found in a Makefile: recipes, and variables that hold commands."""
    return shell.hits("\n".join(_of_makefile(text.split("\n"))))


def _of_makefile(lines: list[str]) -> Iterator[str]:
    continued, kept = False, False
    for line in lines:
        if not continued:
            kept = line.startswith("\t") or bool(_MAKE_VARIABLE.match(line))
        yield _of_make(line, continued=continued) if kept else ""
        continued = line.endswith("\\")


def _of_make(line: str, *, continued: bool) -> str:
    """Return a line as shell: `$(NAME)` of make is `${NAME}`, `$$` is `$`."""
    line = _MAKE_REFERENCE.sub(r"${\1}", line).replace("$$", " $")
    if line.startswith("\t"):
        return line if continued else re.sub(r"^(\t+)([@+-]+)", _blanked, line)
    variable = None if continued else _MAKE_VARIABLE.match(line)
    if not variable:
        return line
    value = variable[2].rstrip("\\").partition("#")[0].strip()
    quoted = value.replace("'", "")
    return f"{variable[1]}='{quoted}'"


def _blanked(match: re.Match[str]) -> str:
    return match[1] + " " * len(match[2])
