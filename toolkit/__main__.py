"""The command's entrance: answers `--version` and `--help` before the heavy imports.

Start-up is felt at every use; typer costs seven times a bare interpreter, and these two answers
need nothing of it. Everything else goes to `toolkit.cli`.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # the module typing costs a tenth of an answer
if TYPE_CHECKING:
    from collections.abc import Callable

VERSION_FLAGS = (["--version"], ["-V"])
HELP_FLAGS = (["--help"], ["-h"])
INTERRUPTED = 130
"""As in `toolkit.errors`, which is not imported for it."""


def main() -> None:
    """Run `toolkit` with the process's arguments and exit with its status."""
    arguments = sys.argv[1:]
    _ready_streams()
    completing = "_TOOLKIT_COMPLETE" in os.environ
    if not completing and arguments in VERSION_FLAGS:
        sys.exit(_guarded(_version))
    if not completing and arguments in HELP_FLAGS:
        sys.exit(_guarded(_help))
    import gc

    # Imports make hundreds of thousands of objects that live as long as the process: looking for
    # cycles among them is a tenth of the start-up.
    gc.set_threshold(100_000, 50, 50)
    try:
        from toolkit.cli import run
    except KeyboardInterrupt:  # from `run` on it is looked after
        sys.stderr.write("toolkit: note: interrupted\n")
        sys.exit(INTERRUPTED)
    status = run(arguments)
    gc.freeze()  # the collection at exit finds nothing that the end of the process doesn't free
    sys.exit(status)


def _ready_streams() -> None:
    """Nearly always all is well with them, and nothing is imported."""
    if None in {sys.stdin, sys.stdout, sys.stderr}:
        from toolkit.streams import stand_in

        stand_in()
    if {sys.stdout.encoding, sys.stderr.encoding} != {"utf-8"}:
        from toolkit.streams import soften

        soften()


def _version() -> int:
    from toolkit import __version__

    sys.stdout.write(f"toolkit {__version__}\n")
    return 0


def _help() -> int:
    from toolkit.roothelp import text

    sys.stdout.write(text(os.environ, sys.stdout))
    return 0


def _guarded(answer: Callable[[], int]) -> int:
    """Run one of the quick answers; a full disk or closed pipe ends as it does in `toolkit.cli`."""
    try:
        status = answer()
        sys.stdout.flush()
    except OSError as error:
        from toolkit.exits import of_output_error

        return of_output_error(error)
    return status


if __name__ == "__main__":
    main()
