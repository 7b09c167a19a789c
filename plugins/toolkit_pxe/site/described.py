"""The site file as users write it: these dataclasses are its format, and its JSON Schema.

Scalars that have a syntax of their own are text here and are parsed in `resolve`, so that each
fault is told with its place and an unquoted MAC address with the spelling that was meant.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from toolkit.documents import Parser
from toolkit_pxe.site.values import seconds

Seconds = Annotated[
    int,
    Parser(seconds, {"anyOf": [{"type": "integer", "minimum": 1},
                               {"type": "string", "pattern": "^[0-9]{1,10}[smhdw]?$"}]}),
]  # fmt: skip
Words = str | tuple[str, ...]
OptionType = Literal[
    "text", "ip-address", "ipv6-address", "uint8", "uint16", "uint32", "boolean", "binary"
]
Kind = Literal["wds", "pxelinux", "grub", "shim", "ipxe", "http", "file"]
Via = Literal["both", "fields", "options"]


def doc(text: str, default: Any = "") -> Any:  # noqa: ANN401  a dataclass field of any type
    """Return a field with its description for the schema."""
    if isinstance(default, dict | list):
        return field(default_factory=type(default), metadata={"doc": text})
    return field(default=default, metadata={"doc": text})


@dataclass(frozen=True, slots=True)
class CustomOption:
    """A DHCP option that this format has no key for."""

    code: int = field(metadata={"doc": "Its number.", "minimum": 1, "maximum": 65535})
    type: OptionType = field(metadata={"doc": "How the value is encoded."})
    value: str | int | bool | tuple[str | int, ...] = field(
        metadata={"doc": "One value, or a list; binary as hexadecimal text."}
    )
    name: str = doc("Its name in servers' configurations; default: option-CODE.")
    family: Literal["4", "6"] = doc("DHCPv4 or DHCPv6.", "4")


@dataclass(frozen=True, slots=True)
class BootServers:
    """Where boot files come from."""

    tftp: str = doc("IPv4 address of the TFTP server (siaddr, option 66).")
    tftp6: str = doc("IPv6 address of the TFTP server.")
    http: str = doc("Base URL of the HTTP server, reached over IPv4: http://10.0.0.9/boot/")
    http6: str = doc("Base URL of the HTTP server, reached over IPv6.")


@dataclass(frozen=True, slots=True)
class Dhcp:
    """What holds for every subnet that says nothing else."""

    authoritative: bool = doc("Answer requests for wrong addresses with a NAK.", default=True)
    proxy: bool = doc("Another DHCP server gives addresses; ours adds boot data only (proxyDHCP).",
                      default=False)  # fmt: skip
    domain: str = doc("Domain name.")
    dns_servers: tuple[str, ...] = doc("Addresses of name servers, IPv4 and IPv6.", ())
    ntp_servers: tuple[str, ...] = doc("Addresses of time servers, IPv4 and IPv6.", ())
    lease_time: Seconds = doc("Default lease time (IPv6: valid lifetime).", 3600)
    max_lease_time: Seconds = doc("The longest lease that a client may ask for.", 86400)
    options: tuple[CustomOption, ...] = doc("Further options for every client.", ())


@dataclass(frozen=True, slots=True)
class Subnet:
    """One IPv4 or IPv6 network."""

    subnet: str = field(metadata={"doc": "The network: 10.0.0.0/24 or 2001:db8::/64."})
    pools: tuple[str, ...] = doc("Dynamic addresses: 10.0.0.100-10.0.0.199, or a network.", ())
    shared_network: str = doc("Subnets with one name here are on one link.")
    routers: tuple[str, ...] = doc("Default gateways (IPv4).", ())
    relays: tuple[str, ...] = doc("Addresses of relay agents (giaddr, link-address).", ())
    domain: str = doc("Domain name, instead of the site's.")
    dns_servers: tuple[str, ...] = doc("Name servers, instead of the site's.", ())
    ntp_servers: tuple[str, ...] = doc("Time servers, instead of the site's.", ())
    lease_time: Seconds | None = doc("Default lease time, instead of the site's.", None)
    max_lease_time: Seconds | None = doc("Longest lease time, instead of the site's.", None)
    boot_servers: BootServers | None = doc("Boot servers, each instead of the site's.", None)
    profile: str = doc("The boot profile of this subnet, instead of the site's.")
    options: tuple[CustomOption, ...] = doc("Further options for clients of this subnet.", ())


@dataclass(frozen=True, slots=True)
class Host:
    """A reservation: who it is for, and what it gets. A row of a host list, too."""

    name: str = field(metadata={"doc": "Host name."})
    mac: str = doc("MAC address; quote it: '52:54:00:12:34:56'.")
    address: str = doc("IPv4 address.")
    address6: str = doc("IPv6 address.")
    client_id: str = doc("Option 61: hexadecimal with colons, or text.")
    circuit_id: str = doc("Relay agent's circuit id (option 82.1): hexadecimal or text.")
    duid: str = doc("DHCPv6 unique identifier, hexadecimal.")
    group: str = doc("The host group that it belongs to.")


@dataclass(frozen=True, slots=True)
class Target:
    """Something to boot."""

    kind: Kind = field(metadata={"doc": "What it is; iPXE and shim have rules of their own."})
    file: str = doc("Boot file for every architecture that the rule admits, as TFTP has it.")
    files: dict[str, str] = doc("Boot file by architecture, instead of `file`.", {})
    url: str = doc("http: URL of the boot file for every architecture; relative to boot_servers.")
    urls: dict[str, str] = doc("http: URL by architecture.", {})
    script: str = doc("ipxe: what a client that runs iPXE gets, a URL or a file (loop guard).")
    server: str = doc("TFTP server for this target, instead of the subnet's: an address.")
    config: str = doc("pxelinux: option 209, the configuration file.")
    prefix: str = doc("pxelinux: option 210, the path prefix.")
    via: Via = doc("Send by the packet's fields, by options 66 and 67, or by both.", "both")
    options: tuple[CustomOption, ...] = doc("Further options for clients of this target.", ())


@dataclass(frozen=True, slots=True)
class Rule:
    """Boot `boot` if all that is named here holds."""

    boot: str = field(metadata={"doc": "A target, or none."})
    arch: Words = doc("Client architectures: names, classes or numbers as text.", ())
    vendor_class: str = doc("Option 60 begins so.")
    user_class: str = doc("Option 77 is this.")
    mac: Words = doc("The MAC address begins with one of these octets.", ())
    group: str = doc("The client has a reservation in this group.")


@dataclass(frozen=True, slots=True)
class Profile:
    """Who boots what: the first rule that holds, else the default."""

    default: str = field(metadata={"doc": "A target, or none: what boots where no rule holds."})
    rules: tuple[Rule, ...] = doc("In order; the first that holds decides.", ())


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One line of the boot loaders' menus."""

    name: str = field(metadata={"doc": "Its name: a-z, 0-9, hyphens."})
    kind: Literal["linux", "windows", "chain", "local"] = field(
        metadata={"doc": "A kernel, Windows by wimboot, another loader, or the local disk."}
    )
    title: str = doc("What the menu shows; default: the name.")
    kernel: str = doc("linux: path of the kernel below the server's root.")
    initrd: tuple[str, ...] = doc("linux: paths of initial RAM disks.", ())
    append: str = doc("linux: the kernel's command line.")
    file: str = doc("chain: path of the loader; windows: path of the folder with BCD and boot.wim.")
    wimboot: str = doc("windows: path of wimboot.")
    arch: Words = doc("Client architectures that see it; none: all.", ())


@dataclass(frozen=True, slots=True)
class Menu:
    """The menu that pxelinux, GRUB and iPXE show."""

    title: str = doc("Its heading.", "Boot menu")
    timeout: int = field(default=10, metadata={"doc": "Seconds until the default; 0: none.",
                                               "minimum": 0, "maximum": 3600})  # fmt: skip
    default: str = doc("The entry chosen when the time is up; default: the first.")
    by_group: dict[str, str] = doc("Host group → the entry that its hosts boot at once.", {})
    entries: tuple[MenuEntry, ...] = doc("In order.", ())


@dataclass(frozen=True, slots=True)
class Dns:
    """The zones that name servers get: forward from `domain`, reverse from the subnets."""

    name_servers: tuple[str, ...] = doc("Host names of the zones' name servers, the first primary.",
                                        ())  # fmt: skip
    hostmaster: str = doc("Mail address of whoever answers for the zones.")
    ttl: Seconds = doc("Time to live of every record.", 3600)


@dataclass(frozen=True, slots=True)
class SiteFile:
    """The whole file."""

    name: str = field(metadata={"doc": "Name of the site, for names of files and comments."})
    subnets: tuple[Subnet, ...] = doc("Networks, IPv4 and IPv6.", ())
    dhcp: Dhcp = field(default_factory=Dhcp)
    boot_servers: BootServers = field(default_factory=BootServers)
    targets: dict[str, Target] = doc("What can be booted, by name.", {})
    profiles: dict[str, Profile] = doc("Who boots what, by name.", {})
    profile: str = doc("The profile of every subnet that names none.")
    menu: Menu | None = doc("What the boot loaders show.", None)
    dns: Dns | None = doc("Zones for a name server.", None)
    groups: tuple[str, ...] = doc("Names of host groups.", ())
    reservations: tuple[Host, ...] = doc("Hosts with addresses or groups of their own.", ())
    reservation_files: tuple[str, ...] = doc("Host lists: .csv, .jsonl, .json, relative here.", ())
