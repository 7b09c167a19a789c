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
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException

from .reporter import Reporter, report_here
from .visit import Visit, current, find

if TYPE_CHECKING:
    from flask import Flask

SERVER_ERROR = 500
_NO_FAULT = (KeyboardInterrupt, GeneratorExit, asyncio.CancelledError)


def install(app: Flask, reporter: Reporter) -> None:
    """Set all hooks of an application."""
    app.wsgi_app = _Door(app.wsgi_app, reporter)  # type: ignore[method-assign]  # as Flask documents
    _hook_dispatch(app)
    _hook_handlers(app, reporter)
    _hook_commands(app)


class _Door:
    """The WSGI application around Flask's: what every request goes in and out by."""

    def __init__(self, inner: Any, reporter: Reporter) -> None:
        self._inner = inner
        self._reporter = reporter

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        reporter = self._reporter
        if not reporter.has_begun:
            reporter.begin()
        visit = Visit(environ)

        def start(status: str, *rest: Any) -> Any:
            visit.status_line = status
            return start_response(status, *rest)

        token = current.set(visit)
        try:
            body: Iterable[bytes] = self._inner(environ, start)
        except BaseException as error:
            _report(reporter, error, visit)
            raise
        finally:
            current.reset(token)
        if visit.is_settled or isinstance(body, (list, tuple)) or _is_file(body, environ):
            return body
        return _Body(body, reporter, visit)


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


def _report(reporter: Reporter, error: BaseException, visit: Visit | None) -> None:
    """Report what passes, if it is new and a fault."""
    if isinstance(error, _NO_FAULT) or (isinstance(error, SystemExit) and not error.code):
        return
    try:
        if reporter.claim(error, visit):
            reporter.report(error, visit)
    except Exception as fault:  # must not take the place of the error
        reporter.fail(fault)


def _hook_dispatch(app: Flask) -> None:
    original = app.full_dispatch_request

    def full_dispatch_request(*arguments: Any) -> Any:  # 3.2 passes the context
        visit = current.get()
        if visit is None:
            return original(*arguments)
        visit.note_contexts()
        response = original(*arguments)
        visit.is_settled = _cannot_fail(response)
        return response

    app.full_dispatch_request = full_dispatch_request  # type: ignore[method-assign]  # the hook


def _cannot_fail(response: Any) -> bool:
    """Tell whether nothing runs any more as the body is sent: it is there, and closes nothing.

    What isn't known is no: then the body is watched, as a stream is.
    """
    try:
        return bool(response.is_sequence) and not response._on_close  # noqa: SLF001  # no public way
    except AttributeError:
        return False


def _hook_handlers(app: Flask, reporter: Reporter) -> None:
    handle_user_exception, handle_exception = app.handle_user_exception, app.handle_exception

    def user(*arguments: Any) -> Any:  # 3.2 passes the context
        answer = handle_user_exception(*arguments)
        return _answered(app, reporter, arguments[-1], answer)

    def all_others(*arguments: Any) -> Any:
        error = arguments[-1]
        visit = find()
        is_new = _claims(reporter, error, visit)  # before the original, which logs it
        status = SERVER_ERROR
        try:
            answer = handle_exception(*arguments)
            status = getattr(answer, "status_code", status)
            return answer
        finally:
            if is_new:
                reporter.report(error, visit, status=status)

    app.handle_user_exception = user  # type: ignore[method-assign,assignment]  # the hook
    app.handle_exception = all_others  # type: ignore[method-assign,assignment]  # the hook


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
