"""Servers that give each matching policy's options, the first that sets one winning.

Infoblox's logic filters and Windows' policies have no "else": what a later branch sets reaches a
client of an earlier one that doesn't set it. These are the branches where that would happen. Both
tell architectures apart by option 60 alone, in which firmware says the number of option 93, too
(PXE 2.1, table 2-1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from toolkit_pxe.decide.wire import boot_options4
from toolkit_pxe.site.archs import vendor_class
from toolkit_pxe.site.model import Arm, Boot, Match
from toolkit_pxe.targets.base import Limit

TFTP_SERVER = 66


def arch_text(number: int) -> str:
    """Return how option 60 of an architecture's firmware begins: PXEClient:Arch:00007."""
    return vendor_class(number).partition(":UNDI")[0]


def class_texts(match: Match) -> list[str] | None:
    """Return the beginnings of option 60 of which one must hold; [] for any, None for impossible.

    A vendor class and architectures are one condition here.
    """
    wanted = match.vendor_class
    if not match.archs:
        return [wanted] if wanted else []
    found = []
    for text in map(arch_text, match.archs):
        if text.startswith(wanted):
            found.append(text)
        elif wanted.startswith(text):
            found.append(wanted)
    return found or None


def disjoint(one: Match, other: Match) -> bool:
    """Tell whether no client can meet both conditions, as far as such a server tells them."""
    first, second = class_texts(one), class_texts(other)
    if first is None or second is None:
        return True
    if first and second and not any(_overlap(a, b) for a in first for b in second):
        return True
    if one.user_class and other.user_class and one.user_class != other.user_class:
        return True
    return bool(one.macs and other.macs) and not any(
        a.startswith(b) or b.startswith(a) for a in one.macs for b in other.macs
    )


def _overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def codes(boot: Boot) -> frozenset[int]:
    """Return the numbers of the options that a branch sends."""
    return frozenset({*boot_options4(boot), *(option.code for option in boot.options)})


def leaks(server: str, arms: Sequence[Arm]) -> Iterator[Limit]:
    """Yield a limit for each branch that options of a later one would reach."""
    for at, arm in enumerate(arms):
        own = codes(arm.boot) if arm.boot else frozenset()
        for later in arms[at + 1 :]:
            if later.boot is None or disjoint(arm.match, later.match):
                continue
            if arm.boot is None:
                message = f'{server} cannot say "don\'t boot" to clients that a later rule boots'
                yield Limit(
                    message, arm.origin, "narrow the later rules, and make none the default"
                )
                break
            # a URL needs no TFTP server, and nobody asks one for it
            more = sorted(codes(later.boot) - own - ({TFTP_SERVER} if arm.boot.http else set()))
            if more:
                listed = ", ".join(map(str, more))
                message = f"{server} would also send option {listed} of a later rule"
                yield Limit(
                    message,
                    arm.origin,
                    "narrow one of the two rules, or let both targets set the same options",
                )
                break


def impossible(server: str, arms: Sequence[Arm]) -> Iterator[Limit]:
    """Yield a limit for each branch whose vendor class and architectures exclude each other."""
    for arm in arms:
        if class_texts(arm.match) is None:
            message = (
                f"{server} reads the architecture from option 60, "
                f'which cannot begin with "{arm.match.vendor_class}" at the same time'
            )
            yield Limit(message, arm.origin, "leave one of the two out")
