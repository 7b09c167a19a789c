"""`toolkit pxe bootfile`: one boot file, with no site file at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from toolkit.errors import UsageError
from toolkit.output import Look, Record, View
from toolkit.terminal import Line
from toolkit.text import clean
from toolkit_pxe.site.check_boot import FIELD, boot_file
from toolkit_pxe.site.values import ipv4
from toolkit_pxe.targets import find_target, target_names
from toolkit_pxe.targets.base import Advice, Advising


@dataclass(frozen=True, slots=True)
class Answer:
    """What to enter for `file` in `target`."""

    target: str
    file: str
    advice: Advice


def advise(file: str, target: str, next_server: str) -> Answer:
    """Return what to enter. Raises UsageError for a file, address or target that can't be."""
    try:
        boot_file(file)
    except ValueError as error:
        raise UsageError(clean(str(error), limit=300), hint="name another file") from error
    try:
        if next_server:
            ipv4(next_server)
    except ValueError as error:
        hint = "siaddr is an address, so a name can't be sent"
        raise UsageError(f"--next-server: {clean(str(error), limit=300)}", hint=hint) from error
    size = len(file.encode())
    if not 0 < size <= FIELD:
        message = (
            f"the boot file's name has {size} octets, and the packet's field takes 1 to {FIELD}"
        )
        raise UsageError(message, hint="name the file" if not size else "shorten it")
    module = find_target(target)
    if not isinstance(module, Advising):
        known = [name for name in target_names() if isinstance(find_target(name), Advising)]
        message = f'"{target}" is no DHCP server with fields to fill'
        raise UsageError(message, hint=f"choose one of: {', '.join(known)}")
    return Answer(target, file, module.bootfile(file, next_server))


def _record(answer: Answer) -> Record:
    advice = answer.advice
    return {
        "target": answer.target,
        "file": answer.file,
        "enter": [{"field": label, "text": text} for label, text in advice.lines],
        "wire": dict(advice.wire),
        "why": list(advice.why),
    }


def _lines(answers: Iterable[Answer], _look: Look) -> Iterator[Line]:
    for answer in answers:
        for label, text in answer.advice.lines:
            if label and "\n" not in text:
                yield ((f"{label}: ", "title"), (clean(text), "name"))
                continue
            if label:
                yield ((f"{label}:", "title"),)
            yield from (((clean(line), "name"),) for line in text.splitlines())
        yield ()
        yield (("On the wire", "title"),)
        for label, text in answer.advice.wire:
            yield ((f"  {label:<10} ", ""), (clean(text), ""))
        yield (("Why", "title"),)
        yield from (((f"  - {clean(reason)}", "dim"),) for reason in answer.advice.why)


VIEW: View[Answer] = View(
    schema="toolkit.pxe.bootfile/1", record=_record, lines=_lines, columns=("target", "file", "why")
)
