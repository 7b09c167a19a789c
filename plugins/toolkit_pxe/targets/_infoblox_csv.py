"""Infoblox's CSV import: WAPI fields → columns, as "CSV Import Reference" of NIOS 8.6 has them.

https://docs.infoblox.com/space/nios86/: IPv4 Network, DHCP Range, Fixed Address, Option Filter,
IPv4 Option Definition, "Importing Multiple Action CSV file" (IMPORT-ACTION), and "Data Specific
Guidelines" (OPTION-n columns, lists in one cell, quoting by double quotes).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Fields = Mapping[str, Any]
_TYPES: Mapping[str, str] = {
    "dhcpoptiondefinition": "OptionDefinition",
    "filteroption": "OptionFilter",
    "network": "Network",
    "range": "DhcpRange",
    "fixedaddress": "FixedAddress",
}
_COLUMNS: Mapping[str, str] = {
    "bootfile": "boot_file",
    "bootserver": "boot_server",
    "nextserver": "next_server",
    "start_addr": "start_address",
    "end_addr": "end_address",
    "ipv4addr": "ip_address",
    "mac": "mac_address",
    "match_client": "match_option",
    "agent_circuit_id": "circuit_id",
}
_NAMED: Mapping[int, str] = {
    3: "routers",
    6: "domain_name_servers",
    15: "domain_name",
    51: "lease_time",
}
"""Options that have a column of their own."""
_KINDS: Mapping[str, str] = {
    "text": "T_TEXT",
    "array of ip-address": "T_ARRAY_IP_ADDRESS",
    "8-bit unsigned integer": "T_UINT8",
    "16-bit unsigned integer": "T_UINT16",
    "32-bit unsigned integer": "T_UINT32",
    "boolean": "T_FLAG",
    "string": "T_STRING",
}
"""Types of option definitions, as the CSV import calls them."""
ACTION, INSERT_OR_OVERRIDE = "IMPORT-ACTION", "IO"
"""What a custom import does with a row: make the object, or give it these values if it is there."""
_LOGIC = ".com.infoblox.dns.dhcp_option_filters$"


def table(kind: str, several: Sequence[Fields]) -> Iterator[list[str]]:
    """Yield the header line of a kind of object and a row for each; all rows are as long."""
    rows = [dict(_cells(kind, fields)) for fields in several]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    called = _TYPES[kind]
    yield [f"Header-{called}", ACTION, *columns]
    for row in rows:
        yield [called, INSERT_OR_OVERRIDE, *(row.get(column, "") for column in columns)]


def _cells(kind: str, fields: Fields) -> Iterator[tuple[str, str]]:
    for key, value in fields.items():
        if key.startswith("use_") or (kind == "range" and key == "network"):
            continue
        if key == "network":
            net = ipaddress.ip_network(value)
            yield "address", str(net.network_address)
            yield "netmask", str(net.netmask)
        elif kind == "dhcpoptiondefinition" and key == "type":
            yield key, _KINDS[value]
        elif key in {"options", "option_list"}:
            yield from (_option(kind, item) for item in value)
        elif key == "logic_filter_rules":
            if value:
                listed = ",".join(_LOGIC + str(item["filter"]) for item in value)
                yield "option_logic_filters", listed
        else:
            yield _COLUMNS.get(key, key), str(value)


def _option(kind: str, item: Fields) -> tuple[str, str]:
    code = int(item["num"])
    named = _NAMED.get(code) if kind == "network" else None
    return named or f"OPTION-{code}", str(item["value"])
