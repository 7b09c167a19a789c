"""Reservations in dnsmasq's language: one line a host."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit_pxe.site.model import Reservation, Site
from toolkit_pxe.targets._dnsmasq import quote
from toolkit_pxe.targets.base import Limit

_KEYWORDS = {"ignore", "infinite"}


def lines(site: Site, family: int, groups: Mapping[str, str], limits: list[Limit]) -> list[str]:
    """Return the hosts of a family; `groups` are the tags of those that a branch names."""
    found: list[str] = []
    write = _host4 if family == 4 else _host6
    for host in site.reservations:
        tag = groups.get(host.group, "") if host.group else ""
        try:
            found += write(host, tag)
        except ValueError as error:
            limits.append(Limit(f'host "{host.name}": dnsmasq {error}', site.origin(host)))
    return found


def _name(host: Reservation) -> str:
    """Return the host's name: in quotes where it would be read as a lease time or a keyword."""
    text = host.name
    return quote(text) if text[0].isdigit() or text in _KEYWORDS else text


def _identifier(raw: bytes, what: str) -> str:
    """Return a binary identifier, or one printable octet as text. Raises ValueError."""
    if len(raw) > 1:
        return raw.hex(":")
    text = raw.decode("latin-1")
    if not "!" <= text <= "~" or text == "*":
        raise ValueError(f"has no spelling for a {what} of one octet, {raw.hex()}")
    return quote(text)


def _host4(host: Reservation, tag: str) -> list[str]:
    parts = [host.mac] if host.mac else []
    if host.client_id:
        parts.append(f"id:{_identifier(host.client_id, 'client id')}")
    found = []
    if parts:
        parts += [f"set:{tag}"] if tag else []
        parts += [host.address] if host.address else []
        found.append(f"dhcp-host={','.join(parts)},{_name(host)}")
    elif host.circuit_id and host.address:
        raise ValueError("reserves no address by circuit id: give it a MAC address or a client id")
    if host.circuit_id and tag:
        found.append(f"dhcp-circuitid=set:{tag},{_identifier(host.circuit_id, 'circuit id')}")
    return found


def _host6(host: Reservation, tag: str) -> list[str]:
    if not host.duid:
        return _by_mac(host, tag)
    parts = [f"id:{host.duid.hex(':')}"]
    parts += [f"set:{tag}"] if tag else []
    parts += [f"[{host.address6}]"] if host.address6 else []
    return [f"dhcp-host={','.join(parts)},{_name(host)}"]


def _by_mac(host: Reservation, tag: str) -> list[str]:
    """Return what holds for a host known by its MAC address: dnsmasq asks its neighbours for it.

    Its group, as everywhere, is by the MAC address inside the DUID.
    """
    found = []
    if host.mac and host.address6:
        found.append(f"dhcp-host={host.mac},[{host.address6}],{_name(host)}")
    if host.mac and tag:
        found.append(f"dhcp-match=set:{tag},option6:1,00:01:00:01:*:*:*:*:{host.mac}")
        found.append(f"dhcp-match=set:{tag},option6:1,00:03:00:01:{host.mac}")
    return found
