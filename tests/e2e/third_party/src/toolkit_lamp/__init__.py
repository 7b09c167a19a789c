"""A plugin as somebody else would write it: nothing in it is known to the core."""

from toolkit.plugins import Plugin

plugin = Plugin(
    name="lamp",
    summary="Switch the lamp.",
    app="toolkit_lamp.cli:app",
    settings="toolkit_lamp.cli:Settings",
    doctor="toolkit_lamp.cli:probes",
    demo="toolkit_lamp.cli:scene",
)
