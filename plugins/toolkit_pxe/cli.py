"""`toolkit pxe …`: options and configuration → a request → results → output."""

from __future__ import annotations

from toolkit.command import application, command
from toolkit.errors import ExitStatus
from toolkit.session import Session

app = application("Render DHCP and network boot configuration from one site file, and prove it.")

SCHEMA = (("For an editor that completes keys", "toolkit pxe schema"),)


@command(app, "schema", examples=SCHEMA)
def schema(session: Session) -> ExitStatus:
    """Print the JSON Schema of the site file."""
    from toolkit_pxe.site.schema import VIEW, site_schema

    session.output.emit([site_schema()], VIEW)
    return ExitStatus.OK
