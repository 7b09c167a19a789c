"""The hooks of one application: where its exceptions pass, each reported at the last of them.

    wsgi_app               knows the request, sees streams and teardown fail, and what goes through
    full_dispatch_request  the request's objects are bound: they are noted for later
    handle_user_exception  an error handler may turn an exception into an answer, unlogged
    handle_exception       all that no handler took, also under TESTING, DEBUG and PROPAGATE_…
    cli.invoke             a command that is run by a test; `flask NAME` ends in sys.excepthook

They are set on the instance, before whatever class it is of. The exception is the last argument of
both handlers in Flask 2.2 to 3.1, and still is in 3.2, which passes the context first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from .reporter import Reporter, report_here
from .trace import chain_of
from .visit import Visit, current, find, get_app_context, get_request_context

if TYPE_CHECKING:
    from flask import Flask

SERVER_ERROR = 500
MOST_PLAIN = 100
_NO_FAULT = (KeyboardInterrupt, GeneratorExit, asyncio.CancelledError)


def install(app: Flask, reporter: Reporter) -> None:
    """Set all hooks of an application."""
    _hook_requests(app, reporter)
    _hook_handlers(app, reporter)
    _hook_commands(app)


def _hook_requests(app: Flask, reporter: Reporter) -> None:
    """Set the door around the application, which every request goes in and out by.

    Every request pays for each line of the two functions, and most for each call: so there are few,
    and names are looked up once. (What it costs: tests/benchmarks/flask_cost.py of the toolkit.)
    """
    inner, full_dispatch_request = app.wsgi_app, app.full_dispatch_request
    is_flasks, plain, now = _is_flasks_own(app), _plain, time.perf_counter
    set_visit, reset_visit, get_visit = current.set, current.reset, current.get

    def wsgi_app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if not reporter.has_begun:
            reporter.begin()
        visit = Visit()
        visit.environ, visit.started = environ, now()
        token = set_visit(visit)
        try:
            body: Iterable[bytes] = inner(
                environ, start_response if is_flasks else visit.noting(start_response)
            )
        except BaseException as error:
            _report(reporter, error, visit, status=SERVER_ERROR)  # whoever serves answers so
            raise
        finally:
            reset_visit(token)
            try:  # noqa: SIM105  # `suppress` is three calls more
                visit.context.request.error_reporting_visit = None  # they would own each other
            except Exception:  # noqa: S110  # it did not come so far, or a stranger's class
                pass
        if visit.is_settled or isinstance(body, (list, tuple)) or _is_file(body, environ):
            return body
        return _Body(body, reporter, visit)

    def dispatch(*arguments: Any) -> Any:  # 3.2 passes the context
        visit = get_visit()
        if visit is None:
            return full_dispatch_request(*arguments)
        try:
            visit.context = context = get_request_context()
            visit.app_context = get_app_context()
            context.request.error_reporting_visit = visit
        except Exception as fault:  # a stranger's class of requests; must not cost the request
            reporter.fail(fault)
        visit.response = response = full_dispatch_request(*arguments)
        try:  # nothing runs any more as it is sent: one part that is there, and nothing to close
            parts = response.response
            visit.is_settled = (
                is_flasks
                and type(parts) is list
                and len(parts) == 1
                and type(parts[0]) is bytes
                and not response._on_close  # noqa: SLF001  # no public way
                and (type(response) in plain or _is_plain(type(response)))
            )
        except Exception:  # what isn't known is watched, as a stream is
            visit.is_settled = False
        return response

    app.wsgi_app = wsgi_app  # type: ignore[method-assign]  # as Flask documents
    app.full_dispatch_request = dispatch  # type: ignore[method-assign]  # the hook


def _is_flasks_own(app: Flask) -> bool:
    """Tell whether no middleware is between the door and Flask: its body may fail on its own."""
    from flask import Flask

    return getattr(app.wsgi_app, "__func__", None) is Flask.wsgi_app


_plain: set[type] = set()
"""Classes of responses that were found to be sent as Werkzeug's are."""


def _is_plain(kind: type) -> bool:
    """Tell whether a class leaves to Werkzeug how a body is sent and closed, and remember it."""
    names = ("__call__", "get_wsgi_response", "get_app_iter", "iter_encoded", "close")
    found = all(getattr(kind, name, None) is getattr(Response, name) for name in names)
    if found and len(_plain) < MOST_PLAIN:  # a class for each request would fill the memory
        _plain.add(kind)
    return found


def _is_file(body: object, environ: dict[str, Any]) -> bool:
    """Tell whether the server may send a file by itself: it knows the wrapper by its class."""
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(body, wrapper)


class _Body:
    """A response's body; its parts may fail long after Flask has let go of the request."""

    __slots__ = ("_body", "_next", "_reporter", "_visit")

    def __init__(self, body: Iterable[bytes], reporter: Reporter, visit: Visit) -> None:
        self._body = body
        self._next: Callable[[], bytes] | None = None
        self._reporter = reporter
        self._visit = visit

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        token = current.set(self._visit)
        try:
            if self._next is None:
                self._next = iter(self._body).__next__
            return self._next()
        except StopIteration:
            raise
        except BaseException as error:
            _report(self._reporter, error, self._visit)
            raise
        finally:
            current.reset(token)

    def close(self) -> None:
        """Close the body as PEP 3333 wants it; what is called on close may fail, too."""
        close = getattr(self._body, "close", None)
        if close is None:
            return
        token = current.set(self._visit)
        try:
            close()
        except BaseException as error:
            _report(self._reporter, error, self._visit)
            raise
        finally:
            current.reset(token)


def _report(
    reporter: Reporter, error: BaseException, visit: Visit, *, status: int | None = None
) -> None:
    """Report what passes, if it is new and a fault."""
    if isinstance(error, _NO_FAULT) or (isinstance(error, SystemExit) and not error.code):
        return
    try:
        if reporter.claim(error, visit):
            reporter.report(error, visit, status=status)
    except Exception as fault:  # must not take the place of the error
        reporter.fail(fault)


def _hook_handlers(app: Flask, reporter: Reporter) -> None:
    handle_user_exception, handle_exception = app.handle_user_exception, app.handle_exception

    def user(*arguments: Any) -> Any:  # 3.2 passes the context
        answer = handle_user_exception(*arguments)
        return _answered(app, reporter, arguments[-1], answer)

    def all_others(*arguments: Any) -> Any:
        error = arguments[-1]
        visit = find()
        is_new = _claims(reporter, error, visit)  # before the original, which logs it
        answer: Any = None
        try:
            answer = handle_exception(*arguments)
        except BaseException as raised:
            if is_new and _tells_of(raised, error) and _claims(reporter, raised, visit):
                error = raised  # a handler has failed, too: one report tells of both
            raise
        finally:
            if visit is not None:
                visit.response = answer
            if is_new:
                status = getattr(answer, "status_code", SERVER_ERROR)
                reporter.report(error, visit, status=status)
        return answer

    app.handle_user_exception = user  # type: ignore[method-assign,assignment]  # the hook
    app.handle_exception = all_others  # type: ignore[method-assign,assignment]  # the hook


def _tells_of(raised: BaseException, error: BaseException) -> bool:
    """Tell whether `raised` is another exception that was raised while `error` was handled."""
    return raised is not error and any(inner is error for inner, _ in chain_of(raised))


def _claims(reporter: Reporter, error: BaseException, visit: Visit | None) -> bool:
    try:
        return reporter.claim(error, visit)
    except Exception as fault:  # must not take the place of the error
        reporter.fail(fault)
        return False


def _answered(app: Flask, reporter: Reporter, error: BaseException, answer: Any) -> Any:
    """Report an exception that became an answer, if it is a fault; return the answer.

    A fault is what is answered by 500 or more; and what a handler for `Exception` took, whatever it
    answered, unless it is one of HTTP's own (`abort(404)`), which is an answer already.
    """
    try:
        response = app.make_response(answer)
    except Exception:  # Flask will meet the same, and raise it where it belongs
        return answer
    status = response.status_code
    is_fault = status >= SERVER_ERROR or (
        not isinstance(error, HTTPException)
        and _handled_as(app, error) in {Exception, BaseException}
    )
    if is_fault:
        visit = find()
        if _claims(reporter, error, visit):
            reporter.report(error, visit, status=status)
    return response


def _handled_as(app: Flask, error: BaseException) -> type | None:
    """Return the class under which the handler of this exception was registered.

    In Flask's order: the blueprints of the request from the innermost, then the application.
    """
    visit = find()
    scopes = [*getattr(visit and visit.request, "blueprints", ()), None]
    for scope in scopes:
        handlers = app.error_handler_spec.get(scope, {}).get(None, {})
        for kind in type(error).__mro__:
            if kind in handlers:
                return kind
    return None


def _hook_commands(app: Flask) -> None:
    from click import ClickException
    from click.exceptions import Abort, Exit

    original = app.cli.invoke

    def invoke(context: Any) -> Any:
        try:
            return original(context)
        except (ClickException, Abort, Exit):
            raise
        except Exception as error:
            report_here(error, more={"command": str(context.info_name or "-")})
            raise

    app.cli.invoke = invoke  # type: ignore[method-assign,assignment]  # the hook
