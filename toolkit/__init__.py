"""The core of sysadmin-toolkit: commands, configuration, output and errors, shared by all plugins.

It knows no plugin by name and must never import one at module level.
"""

__version__ = "0.1.0"
