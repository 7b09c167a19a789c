"""The core's own commands, each imported when it is invoked."""
