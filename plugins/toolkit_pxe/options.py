"""The options of the commands, with their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

SiteFile = Annotated[Path, typer.Argument(metavar="SITE", help="The site file (YAML or JSON).")]
NewFile = Annotated[Path, typer.Argument(metavar="[FILE]", help="Where to write it.")]
BootFile = Annotated[str, typer.Argument(metavar="FILE", help="The boot file's path, raw.")]
For = Annotated[
    list[str] | None, typer.Option("--for", metavar="TARGET", help="A server or loader; repeat it.")
]
ForOne = Annotated[str, typer.Option("--for", metavar="TARGET", help="The server.")]
NextServer = Annotated[
    str, typer.Option(metavar="ADDRESS", help="IPv4 address of the TFTP server.")
]
Defaults = Annotated[bool, typer.Option("--defaults", help="Ask nothing.")]
Mac = Annotated[str, typer.Option(metavar="MAC", help="The client's MAC address.")]
Arch = Annotated[
    str, typer.Option(metavar="ARCH", help="Its architecture: a name (x64-uefi) or number (7).")
]
VendorClass = Annotated[
    str, typer.Option(metavar="TEXT", help="Option 60; default: as firmware of --arch says it.")
]
UserClass = Annotated[str, typer.Option(metavar="TEXT", help="Option 77: iPXE, once it runs.")]
ClientId = Annotated[str, typer.Option(metavar="ID", help="Option 61, hexadecimal or text.")]
CircuitId = Annotated[str, typer.Option(metavar="ID", help="The relay's circuit id.")]
Duid = Annotated[str, typer.Option(metavar="DUID", help="DHCPv6 identifier; asks about IPv6.")]
SubnetOption = Annotated[
    str, typer.Option("--subnet", metavar="NETWORK", help="The subnet that it is on.")
]
Relay = Annotated[str, typer.Option(metavar="ADDRESS", help="Its relay agent, instead.")]
Http = Annotated[bool, typer.Option("--http", help="Firmware that boots over HTTP.")]
Ipxe = Annotated[
    bool,
    typer.Option("--ipxe", help="It sends option 175, as iPXE does whatever its user class is."),
]
Asks = Annotated[
    str,
    typer.Option(metavar="NUMBERS", help="Options it asks for: 1,3,66,67; default: as PXE does."),
]
OutputFolder = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Write files there.")
]
ProveTarget = Annotated[
    list[str] | None, typer.Option("--target", metavar="NAME", help="Only this row; repeat it.")
]
Fragment = Annotated[
    bool, typer.Option("--fragment", help="The boot part only, to include in a configuration.")
]
Diff = Annotated[bool, typer.Option("--diff", help="Show what would change, and write nothing.")]
CheckOnly = Annotated[
    bool, typer.Option("--check", help="Write nothing; status 1 if anything would change.")
]
AllowDegraded = Annotated[
    bool, typer.Option("--allow-degraded", help="Leave out, marked, what a server cannot do.")
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A target's setting.")
]
