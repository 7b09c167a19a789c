"""HTTPS for sysadmins: will clients accept a server's certificate, until when, and if not, why."""

from toolkit.plugins import Plugin

plugin = Plugin(
    name="https",
    summary="Check HTTPS servers as their clients do: verdict, reason and remedy.",
    app="toolkit_https.cli:app",
    settings="toolkit_https.settings:Settings",
    doctor="toolkit_https.doctor:probes",
    demo="toolkit_https.demo:scene",
)
