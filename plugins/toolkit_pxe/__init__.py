"""DHCP and network boot: one site file, every server's configuration, the bytes on the wire."""

from toolkit.plugins import Plugin

plugin = Plugin(
    name="pxe",
    summary="Render DHCP and network boot configuration from one site file, and prove it.",
    app="toolkit_pxe.cli:app",
    doctor="toolkit_pxe.doctor:probes",
    demo="toolkit_pxe.demo:scene",
)
