"""Which octets Kea 2.2 sends as they are configured, and which only its flex_option hook can.

Kea parses every option by its definition, octets in hexadecimal too: a string loses its NUL at the
end, a list of domain names is compressed anew. (src/lib/dhcp/std_option_defs.h in Kea's sources;
the tests ask a real server for every code.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from toolkit_pxe.site.model import Option, Site

_STRING4 = {14, 17, 18, 40, 47, 60, 62, 64, 86, 87, 98, 100, 101, 113, 114}
_ADDRESS4 = {16, 28, 32, 118}
_ADDRESSES4 = {*range(4, 12), 21, 33, 41, 44, 45, 48, 49, 65, *range(68, 77), 85, 89, 92, 112, 136,
               138}  # fmt: skip
_UINT8_4, _UINT16_4, _UINT16S4 = {23, 37, 46, 116, 156, 157}, {13, 22, 26}, {25, 117}
_UINT32_4 = {2, 24, 35, 38, 91, 108, 152, 153, 154, 155}
_BOOLEAN4 = {19, 20, 27, 29, 30, 31, 34, 36, 39}
_OPAQUE4 = {78, 79, 81, 88, 119, 120, 121, 122, 124, 125, 137, 141, 143, 146, 151, 159, 162,
            212, 213}  # fmt: skip
_STRING6 = {41, 42, 103}
_ADDRESSES6 = {22, 27, 28, 31, 34, 40, 48, 52, 88, 143}
_UINT32_6 = {32, 46, 82, 83}
_UINT16_6, _UINT16S6, _ADDRESS6 = {135}, {43}, {80}
_OPAQUE6 = {20, 21, 29, 30, 33, 36, 37, 39, 44, 45, 47, 51, 56, 57, 58, 62, 64, 65, 66, 67, 74, 94,
            95, 96, 136, 144, 148}  # fmt: skip
_Test = Callable[[bytes], bool]


def _multiple(width: int) -> _Test:
    return lambda data: bool(data) and len(data) % width == 0


def _exactly(width: int) -> _Test:
    return lambda data: len(data) == width


def _sub_options(data: bytes) -> bool:
    """Option 43 is parsed into its sub-options, which come out by number, each once."""
    at, last = 0, 0
    while at + 1 < len(data) and last < data[at] < 255:
        last = data[at]
        at += 2 + data[at + 1]
    return at == len(data)


def _table(*rows: tuple[set[int], _Test]) -> dict[int, _Test]:
    return {code: test for codes, test in rows for code in codes}


_NATIVE: Mapping[int, Mapping[int, _Test]] = {
    4: _table(
        (_STRING4, lambda data: not data.endswith(b"\0")),
        (_ADDRESS4, _exactly(4)), (_ADDRESSES4, _multiple(4)), (_UINT8_4, _exactly(1)),
        (_UINT16_4, _exactly(2)), (_UINT16S4, _multiple(2)), (_UINT32_4, _exactly(4)),
        ({43}, _sub_options),
        (_BOOLEAN4, lambda data: data in {b"\0", b"\1"}), (_OPAQUE4, lambda _data: False),
    ),
    6: _table(
        (_STRING6, lambda data: not data.endswith(b"\0")),
        (_ADDRESS6, _exactly(16)), (_ADDRESSES6, _multiple(16)), (_UINT16_6, _exactly(2)),
        (_UINT16S6, _multiple(2)), (_UINT32_6, _exactly(4)), (_OPAQUE6, lambda _data: False),
    ),
}  # fmt: skip


def native(option: Option) -> bool:
    """Tell whether Kea sends these octets by option-data; codes it doesn't define are octets."""
    test = _NATIVE[4 if option.family == 4 else 6].get(option.code)
    return test is None or test(option.data)


def reshaped(site: Site, family: int) -> frozenset[int]:
    """Return the codes of custom options that Kea would change or refuse somewhere in the site."""
    return frozenset(item.code for item in _all(site, family) if not native(item))


def _all(site: Site, family: int) -> Iterable[Option]:
    layers = [site.options, *(subnet.options for subnet in site.of_family(family))]
    layers += [arm.boot.options for item in site.variants for arm in item.arms(family) if arm.boot]
    return (option for layer in layers for option in layer if option.family == family)
