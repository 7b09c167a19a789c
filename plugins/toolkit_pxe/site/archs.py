"""Client system architectures: option 93 (RFC 4578) and DHCPv6 option 61 (RFC 5970).

Numbers and meanings: IANA, "Processor Architecture Types",
https://www.iana.org/assignments/dhcpv6-parameters/. The names are ours: one a number, and a few for
several that run the same file.
"""

from __future__ import annotations

from collections.abc import Mapping

ARCHITECTURES: Mapping[str, int] = {
    "x86-bios": 0,
    "nec-pc98": 1,
    "itanium": 2,
    "dec-alpha": 3,
    "arc-x86": 4,
    "intel-lean-client": 5,
    "x86-uefi": 6,
    "x64-uefi": 7,
    "xscale-uefi": 8,
    "ebc": 9,
    "arm32-uefi": 10,
    "arm64-uefi": 11,
    "powerpc-open-firmware": 12,
    "powerpc-epapr": 13,
    "power-opal": 14,
    "x86-uefi-http": 15,
    "x64-uefi-http": 16,
    "ebc-http": 17,
    "arm32-uefi-http": 18,
    "arm64-uefi-http": 19,
    "x86-bios-http": 20,
    "arm32-uboot": 21,
    "arm64-uboot": 22,
    "arm32-uboot-http": 23,
    "arm64-uboot-http": 24,
    "riscv32-uefi": 25,
    "riscv32-uefi-http": 26,
    "riscv64-uefi": 27,
    "riscv64-uefi-http": 28,
    "riscv128-uefi": 29,
    "riscv128-uefi-http": 30,
    "s390-basic": 31,
    "s390-extended": 32,
    "mips32-uefi": 33,
    "mips64-uefi": 34,
    "sunway32-uefi": 35,
    "sunway64-uefi": 36,
    "loongarch32-uefi": 37,
    "loongarch32-uefi-http": 38,
    "loongarch64-uefi": 39,
    "loongarch64-uefi-http": 40,
    "arm-rpiboot": 41,
}
"""Name → number."""

HTTP: frozenset[int] = frozenset(
    number for name, number in ARCHITECTURES.items() if name.endswith("-http")
)
"""Those that boot over HTTP; their option 60 begins with `HTTPClient`."""

CLASSES: Mapping[str, frozenset[int]] = {
    # Firmware of x64 machines announces 9 (EBC) where it means 7; both run the same file.
    "x64": frozenset({7, 9}),
    "bios": frozenset({0}),
    "uefi": frozenset({6, 7, 9, 10, 11}),
    "http": HTTP,
}
"""Name → the numbers that it stands for."""

_NAMES: Mapping[int, str] = {number: name for name, number in ARCHITECTURES.items()}


def architectures(word: str) -> frozenset[int]:
    """Return the numbers of a name, a class or a decimal number. Raises ValueError."""
    if word in CLASSES:
        return CLASSES[word]
    if word in ARCHITECTURES:
        return frozenset({ARCHITECTURES[word]})
    if word.isascii() and word.isdigit() and int(word) in _NAMES:
        return frozenset({int(word)})
    raise ValueError(f'"{word}" is no known client architecture')


def arch_name(number: int) -> str:
    """Return the name of a number: "x64-uefi", or "architecture 99" for an unknown one."""
    return _NAMES.get(number, f"architecture {number}")


def vendor_class(number: int) -> str:
    """Return what firmware of an architecture sends as option 60 (PXE 2.1, 2.2.2; UEFI 2.10, 24.7).

    The architecture is there in decimal, five digits.
    """
    kind = "HTTPClient" if number in HTTP else "PXEClient"
    return f"{kind}:Arch:{number:05d}:UNDI:003001"


def known_words() -> tuple[str, ...]:
    """Return every name that a site file may use."""
    return (*CLASSES, *ARCHITECTURES)
