"""`toolkit pxe …`: options and configuration → a request → results → output."""

from __future__ import annotations

from pathlib import Path

from toolkit.command import application, command
from toolkit.errors import ExitStatus
from toolkit.session import Session
from toolkit_pxe import options

app = application("Render DHCP and network boot configuration from one site file, and prove it.")

INIT = (("A commented site file to begin with", "toolkit pxe init --defaults"),)
SCHEMA = (("For an editor that completes keys", "toolkit pxe schema"),)
BOOTFILE = (
    ("What to enter for Windows Deployment Services in Infoblox",
     r"toolkit pxe bootfile 'boot\x64\wdsnbp.com' --for infoblox --next-server 10.0.0.8"),
    ("The lines for dhcpd.conf",
     r"toolkit pxe bootfile 'boot\x64\wdsnbp.com' --for isc-dhcp --next-server 10.0.0.8"),
)  # fmt: skip
EXPLAIN = (
    ("What will UEFI firmware be sent, and why?",
     "toolkit pxe explain site.yaml --arch x64-uefi --mac 52:54:00:00:00:0a"),
    ("iPXE, once it runs, from one server, for a script",
     "toolkit pxe explain site.yaml --user-class iPXE --for isc-dhcp --format json"),
)  # fmt: skip
RENDER = (
    ("Look at it", "toolkit pxe render site.yaml --for isc-dhcp"),
    ("Write it", "toolkit pxe render site.yaml --for isc-dhcp --output out"),
    ("Has somebody changed it since? (for CI)",
     "toolkit pxe render site.yaml --for isc-dhcp --output out --check"),
)  # fmt: skip
PROVE = (
    ("On all servers that are installed, as root", "toolkit pxe prove"),
    ("Every cell of one server", "toolkit pxe prove --for isc-dhcp --verbose"),
)
CHECK = (("The site, and what each installed server says", "toolkit pxe check site.yaml"),)


@command(app, "init", examples=INIT)
def init(
    session: Session,
    file: options.NewFile = Path("site.yaml"),
    defaults: options.Defaults = False,
) -> ExitStatus:
    """Write a commented site file to begin with: six questions, or none with --defaults."""
    from toolkit_pxe.init_command import run

    run(session, file, ask=not defaults)
    return ExitStatus.OK


@command(app, "schema", examples=SCHEMA)
def schema(session: Session) -> ExitStatus:
    """Print the JSON Schema of the site file."""
    from toolkit_pxe.site.schema import VIEW, site_schema

    session.output.emit([site_schema()], VIEW)
    return ExitStatus.OK


@command(app, "bootfile", examples=BOOTFILE)
def bootfile(
    session: Session,
    file: options.BootFile,
    for_: options.ForOne,
    next_server: options.NextServer = "",
) -> ExitStatus:
    """Tell how to enter one boot file: the lines or form fields, what is sent, and why.

    FILE is the path as the TFTP server has it; quote it, so that the shell leaves backslashes be.
    """
    from toolkit_pxe.bootfile_command import VIEW, advise

    session.output.check_format(VIEW)
    session.output.emit([advise(file, for_, next_server)], VIEW)
    return ExitStatus.OK


@command(app, "explain", examples=EXPLAIN)
def explain(
    session: Session,
    site: options.SiteFile,
    for_: options.For = None,
    mac: options.Mac = "",
    arch: options.Arch = "",
    vendor_class: options.VendorClass = "",
    user_class: options.UserClass = "",
    client_id: options.ClientId = "",
    circuit_id: options.CircuitId = "",
    duid: options.Duid = "",
    subnet: options.SubnetOption = "",
    relay: options.Relay = "",
    http: options.Http = False,
    ipxe: options.Ipxe = False,
    asks: options.Asks = "",
    settings: options.Settings = None,
) -> ExitStatus:
    """Tell what each server will send a client, in words and bytes, and which rule says so."""
    from toolkit_pxe.explain_command import VIEW, Asked, explain_client
    from toolkit_pxe.requests import chosen_targets
    from toolkit_pxe.site.resolve import load_site

    session.output.check_format(VIEW)
    asked = Asked(
        mac=mac, arch=arch, vendor_class=vendor_class, user_class=user_class, client_id=client_id,
        circuit_id=circuit_id, duid=duid, subnet=subnet, relay=relay, http=http, ipxe=ipxe,
        asks=asks,
    )  # fmt: skip
    loaded = load_site(session.cwd / site)
    targets = chosen_targets(for_ or (), session.output.warn)
    results = explain_client(loaded, asked, targets, settings or (), named=bool(for_))
    session.output.emit(results, VIEW)
    return ExitStatus.OK


@command(app, "render", examples=RENDER)
def render(
    session: Session,
    site: options.SiteFile,
    for_: options.For = None,
    output: options.OutputFolder = None,
    fragment: options.Fragment = False,
    diff: options.Diff = False,
    check_: options.CheckOnly = False,
    allow_degraded: options.AllowDegraded = False,
    settings: options.Settings = None,
) -> ExitStatus:
    """Write the site down for servers and boot loaders; without --output, print the files.

    Each target has a folder of its own below --output. Exit status with --check: 1 if what is
    there is not what would be rendered.
    """
    from toolkit_pxe.render_command import Asked, run

    asked = Asked(
        site, tuple(for_ or ()), output, fragment=fragment, diff=diff, check=check_,
        allow_degraded=allow_degraded, settings=tuple(settings or ()),
    )  # fmt: skip
    return run(session, asked)


@command(app, "check", examples=CHECK)
def check(
    session: Session,
    site: options.SiteFile,
    for_: options.For = None,
    settings: options.Settings = None,
) -> ExitStatus:
    """Check the site file, then what is rendered of it by each installed server's own checker.

    Exit status: 1 something is invalid or cannot be expressed, 4 a checker couldn't read or isn't
    there.
    """
    from toolkit_pxe.check_command import run

    return run(session, site, tuple(for_ or ()), tuple(settings or ()))


@command(app, "prove", examples=PROVE)
def prove(
    session: Session, for_: options.For = None, target: options.ProveTarget = None
) -> ExitStatus:
    """Start real DHCP servers in networks of their own and compare their offers with predictions.

    Every kind of target, class of architecture, iPXE or not, asking for options 66 and 67 or not.
    Exit status: 1 an offer differs, 4 a server couldn't be run.
    """
    from toolkit_pxe.prove_command import run

    return run(session, tuple(for_ or ()), tuple(target or ()))
