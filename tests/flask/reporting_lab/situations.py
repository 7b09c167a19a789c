"""Every situation in which an exception can pass, and what is to be told of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Situation:
    """A request that fails, and its one report."""

    path: str
    kind: str
    """The exception's class; empty: nothing is to be reported."""
    text: str = ""
    """What its message begins with."""
    endpoint: str = ""
    status: object = 500
    in_request: bool = True
    """Whether the request's fields are to be known."""

    @property
    def name(self) -> str:
        return self.path.strip("/").replace("/", "-")


RUNTIME = "RuntimeError"
SITUATIONS = (
    Situation("/plain/view", RUNTIME, "view", "view"),
    Situation("/plain/shop/view", RUNTIME, "blueprint", "shop.view"),
    Situation("/plain/async", RUNTIME, "async", "asynchronous"),
    Situation("/plain/before", RUNTIME, "before_request", "-"),
    Situation("/plain/after", RUNTIME, "after_request", "-"),
    Situation("/plain/template", "jinja2.exceptions.UndefinedError", "'absent'", "template"),
    Situation("/plain/teardown", RUNTIME, "teardown_request", "-", 500),
    Situation("/plain/appcontext", RUNTIME, "teardown_appcontext", "appcontext", 500),
    Situation("/plain/stream", RUNTIME, "stream", "stream", 200),
    Situation("/plain/stream-context", RUNTIME, "stream", "stream_context", 200),
    Situation("/plain/on-close", RUNTIME, "on close", "on_close", 200),
    Situation("/plain/own-call", RUNTIME, "own call", "own_call", 200),
    Situation("/plain/own-response", RUNTIME, "own close", "own_response", 200),
    Situation("/plain/chained", RUNTIME, "chained", "chained"),
    Situation("/plain/group", "ExceptionGroup", "group (2 sub-exceptions)", "group"),
    Situation("/plain/single", "ValueError", "made once", "single"),
    Situation("/plain/logged", RUNTIME, "logged", "logged", "-"),
    Situation("/plain/logged-and-raised", RUNTIME, "logged and raised", "logged_and_raised", "-"),
    Situation("/plain/told", RUNTIME, "told", "told", "-"),
    Situation("/plain/refused", "shop.Refused", "by view", "refused", 503),
    Situation("/plain/harmless", ""),
    Situation("/plain/quiet", ""),
    Situation("/plain/handler", RUNTIME, "the handler failed", "handler"),
    Situation("/plain/abort/404", ""),
    Situation("/plain/abort/503", "werkzeug.exceptions.ServiceUnavailable", "503", "aborted", 503),
    Situation("/plain/key", ""),
    Situation("/plain/thread", RUNTIME, "thread", in_request=False),
    Situation("/plain/thread-logged", RUNTIME, "thread logged", in_request=False),
    Situation("/plain/thread-context", RUNTIME, "thread context", "thread_context", "-"),
    Situation("/plain/executor", RUNTIME, "executor", "executor", "-"),
    Situation("/plain/executor-asked", RUNTIME, "executor asked", "executor_asked"),
    Situation("/plain/executor-handled", ""),
    Situation("/plain/fine", ""),
    Situation("/caught/view", RUNTIME, "view", "view", 200),
    Situation("/caught/abort/404", ""),
    Situation("/caught/stream", RUNTIME, "stream", "stream", 200),
    Situation("/testing/view", RUNTIME, "view", "view"),
    Situation("/testing/after", RUNTIME, "after_request", "-"),
    Situation("/debug/view", RUNTIME, "view", "view"),
    Situation("/propagate/view", RUNTIME, "view", "view"),
    Situation("/propagate/before", RUNTIME, "before_request", "-"),
    Situation("/trap/abort/404", "werkzeug.exceptions.NotFound", "404", "aborted"),
    Situation("/trap/key", "werkzeug.exceptions.BadRequestKeyError", "400", "key"),
)
