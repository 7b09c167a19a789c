"""The situations in which an application may raise, each as it happens in a real application."""

from __future__ import annotations

import builtins
import logging
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec
from typing import Any

from .lab import Lab, Proof, Unreachable

ALL: dict[str, Callable[[Lab], None]] = {}
"""Each situation by name, in the order of the table."""
OUTSIDE = {"log-outside", "script", "command", "thread", "thread-log"}
"""Those without a request's fields: a plain thread knows nothing of the request."""
UNANSWERED = {"library-log", "executor", "thread-with-context"}
"""Those that are reported before the request has a status."""


def _situation(function: Callable[[Lab], None]) -> Callable[[Lab], None]:
    ALL[function.__name__.replace("_", "-")] = function
    return function


def _raise_in_view(lab: Lab) -> None:
    lab.view(lab.fail)
    lab.request()


@_situation
def view(lab: Lab) -> None:
    """Raise in a view."""
    _raise_in_view(lab)


@_situation
def blueprint(lab: Lab) -> None:
    """Raise in a blueprint's view."""
    from flask import Blueprint

    made = Blueprint("toolkit_proof", __name__)
    made.add_url_rule(lab.path, "fail", lab.fail)
    lab.app._got_first_request = False
    lab.app.register_blueprint(made)
    lab.request()


@_situation
def async_view(lab: Lab) -> None:
    """Raise in an async view."""
    if find_spec("asgiref") is None:
        raise Unreachable("async views need asgiref, which is not installed")

    async def fail() -> str:
        raise lab.error()

    lab.view(fail)
    lab.request()


@_situation
def before_request(lab: Lab) -> None:
    """Raise before the view."""
    lab.view()
    lab.app.before_request(lambda: lab.fail() if lab.here() else None)
    lab.request()


@_situation
def after_request(lab: Lab) -> None:
    """Raise after the view, when the response is made."""
    lab.view()
    lab.app.after_request(lambda response: lab.fail() if lab.here() else response)
    lab.request()


@_situation
def teardown_request(lab: Lab) -> None:
    """Raise when the request is taken down."""
    lab.view()
    lab.app.teardown_request(lab.fail)
    lab.request()


@_situation
def teardown_appcontext(lab: Lab) -> None:
    """Raise when the application context is taken down."""
    lab.view()
    lab.app.teardown_appcontext(lab.fail)
    lab.request()


def _parts(lab: Lab) -> Iterator[str]:
    yield "the first part"
    raise lab.error()


@_situation
def stream(lab: Lab) -> None:
    """Raise in the middle of a streamed response."""
    lab.view(lambda: lab.app.response_class(_parts(lab)))
    lab.request()


@_situation
def stream_with_context(lab: Lab) -> None:
    """The same with the request's context kept."""
    from flask import stream_with_context as with_context

    lab.view(lambda: lab.app.response_class(with_context(_parts(lab))))
    lab.request()


@_situation
def handler_500(lab: Lab) -> None:
    """Raise where a handler shows a page for status 500."""
    lab.app.register_error_handler(500, lambda _error: ("sorry", 500))
    _raise_in_view(lab)


@_situation
def handler_exception(lab: Lab) -> None:
    """Raise where a handler takes every Exception: Flask then logs nothing."""
    lab.app.register_error_handler(Exception, lambda _error: ("sorry", 200))
    _raise_in_view(lab)


@_situation
def handler_503(lab: Lab) -> None:
    """Raise where a handler answers this very class with 503."""
    lab.app.register_error_handler(Proof, lambda _error: ("busy", 503))
    _raise_in_view(lab)


@_situation
def failing_handler(lab: Lab) -> None:
    """Raise where the error handler itself raises."""
    lab.app.register_error_handler(Proof, lab.fail)
    _raise_in_view(lab)


@_situation
def abort_500(lab: Lab) -> None:
    """Answer with `abort(500)`."""
    _abort(lab, 500)


def _abort(lab: Lab, status: int) -> None:
    from flask import abort

    def refuse() -> str:
        lab.raised += 1
        abort(status, description=lab.token)

    lab.view(refuse)
    lab.request()


def _configured(lab: Lab, **configuration: bool) -> None:
    lab.app.config.update(configuration)
    _raise_in_view(lab)


@_situation
def testing(lab: Lab) -> None:
    """Raise under TESTING."""
    _configured(lab, TESTING=True)


@_situation
def debug(lab: Lab) -> None:
    """Raise under DEBUG."""
    _configured(lab, DEBUG=True)


@_situation
def propagate_exceptions(lab: Lab) -> None:
    """Raise under PROPAGATE_EXCEPTIONS."""
    _configured(lab, PROPAGATE_EXCEPTIONS=True)


@_situation
def trap_http_exceptions(lab: Lab) -> None:
    """Answer `abort(404)` under TRAP_HTTP_EXCEPTIONS: it is then an exception like others."""
    lab.app.config["TRAP_HTTP_EXCEPTIONS"] = True
    _abort(lab, 404)
    _trapped(lab)


def _trapped(lab: Lab) -> None:
    """Flask asks for an error handler first; what it doesn't find it raises, so no 4xx comes."""
    if lab.status.startswith("4"):
        lab.raised = 0
        raise Unreachable(f"an error handler of the application answers it: {lab.status}")


@_situation
def trap_bad_request_errors(lab: Lab) -> None:
    """Ask for a form field that is missing under TRAP_BAD_REQUEST_ERRORS."""
    from flask import request

    def ask() -> str:
        lab.raised += 1
        return str(request.form[lab.token])

    lab.app.config["TRAP_BAD_REQUEST_ERRORS"] = True
    lab.view(ask)
    lab.request()
    _trapped(lab)


def _logged(lab: Lab) -> str:
    try:
        lab.fail()
    except Proof:
        logging.getLogger("toolkit.prove.library").exception("a library failed")
    return "ok"


@_situation
def library_log(lab: Lab) -> None:
    """Let a library catch and log an exception inside a view."""
    lab.view(lambda: _logged(lab))
    lab.request()


def _thread(lab: Lab, function: Callable[[], object]) -> str:
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()
    return lab.token


@_situation
def thread(lab: Lab) -> None:
    """Raise uncaught in a thread that a view started."""
    lab.view(lambda: _thread(lab, lab.fail))
    lab.request()


@_situation
def thread_with_context(lab: Lab) -> None:
    """Catch and log an exception in a thread that has a copy of the request's context."""
    from flask import copy_current_request_context

    lab.view(lambda: _thread(lab, copy_current_request_context(lambda: _logged(lab))))
    lab.request()


@_situation
def thread_log(lab: Lab) -> None:
    """Catch and log an exception in a thread."""
    lab.view(lambda: _thread(lab, lambda: _logged(lab)))
    lab.request()


@_situation
def executor(lab: Lab) -> None:
    """Raise in an executor's task whose result nobody asks for."""

    def submit() -> str:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lab.fail)
        return "ok"

    lab.view(submit)
    lab.request()


@_situation
def executor_result(lab: Lab) -> None:
    """Raise in an executor's task whose result the view asks for."""

    def submit() -> Any:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(lab.fail).result()

    lab.view(submit)
    lab.request()


@_situation
def command(lab: Lab) -> None:
    """Raise in a command of the application, `flask NAME`."""
    from flask.cli import ScriptInfo

    lab.app.cli.command("toolkit-proof")(partial(lab.fail))
    found = ScriptInfo(create_app=lambda: lab.app)
    lab.uncaught(lambda: lab.app.cli.main(["toolkit-proof"], "flask", obj=found,
                                          standalone_mode=False))  # fmt: skip


@_situation
def log_outside(lab: Lab) -> None:
    """Catch and log an exception where there is no request."""
    _logged(lab)


@_situation
def script(lab: Lab) -> None:
    """Raise uncaught in a script that uses the application."""

    def act() -> None:
        with lab.app.app_context():
            lab.fail()

    lab.uncaught(act)


@_situation
def chained(lab: Lab) -> None:
    """Raise from another exception, which was raised while handling a third."""

    def fail() -> str:
        try:
            try:
                raise KeyError("the first")  # noqa: TRY301  as it happens
            except KeyError:
                raise ValueError("the second")  # noqa: B904  chained by context, which is the point
        except ValueError as error:
            raise lab.error() from error

    lab.view(fail)
    lab.request()


@_situation
def group(lab: Lab) -> None:
    """Raise an exception group (PEP 654)."""
    kind: Any = getattr(builtins, "ExceptionGroup", None)
    if kind is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise Unreachable(f"Python {version} has no exception groups")

    def fail() -> str:
        raise kind("several failed", [lab.error(), OSError("the other")])

    lab.view(fail)
    lab.request()


DESCRIPTIONS: Mapping[str, str] = {name: (function.__doc__ or "").strip().partition("\n")[0]
                                   for name, function in ALL.items()}  # fmt: skip
