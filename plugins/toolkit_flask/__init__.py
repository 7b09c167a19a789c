"""Flask for sysadmins: error reports that always arrive, put into applications and proven there."""

from toolkit.plugins import Plugin

plugin = Plugin(
    name="flask",
    summary="Error reports that arrive, in new and existing Flask applications.",
    app="toolkit_flask.cli:app",
    settings="toolkit_flask.settings:Settings",
    doctor="toolkit_flask.doctor:probes",
    demo="toolkit_flask.demo:scene",
)
