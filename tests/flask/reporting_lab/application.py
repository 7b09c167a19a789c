"""An application that fails in every way, for tests: copied beside `error_reporting` and served.

It is no test itself, and runs under other Pythons and Flasks than the suite's. Six applications are
mounted in one process, since flags as TESTING belong to a whole application: /plain, /caught (a
handler for Exception), /testing, /debug, /propagate and /trap.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    copy_current_request_context,
    current_app,
    g,
    render_template_string,
    request,
    session,
    stream_with_context,
)
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from . import error_reporting

FLAGS = {
    "plain": {},
    "caught": {},
    "testing": {"TESTING": True},
    "debug": {"DEBUG": True},
    "propagate": {"PROPAGATE_EXCEPTIONS": True},
    "trap": {"TRAP_HTTP_EXCEPTIONS": True, "TRAP_BAD_REQUEST_ERRORS": True},
}
library = logging.getLogger("library")
library.addHandler(logging.NullHandler())
SINGLE = ValueError("made once")


class Refused(Exception):
    """Answered by 503 in /plain."""


class Harmless(Exception):
    """Answered by 400 in /plain."""


class Quiet(Exception):
    """On the ignore list."""


class QuietChild(Quiet):
    """Ignored as its parent is."""


def create(kind):
    app = Flask(f"shop-{kind}")
    app.config.update(SECRET_KEY="of the test application", **FLAGS[kind])
    error_reporting.init_app(app)
    error_reporting.init_app(app)
    app.config["ERROR_REPORTING_IGNORE"] = [Quiet]  # after init_app, as many do
    _around(app)
    _views(app)
    _streams(app)
    _threads(app)
    _handlers(app, kind)
    app.register_blueprint(_blueprint())

    @app.cli.command("fail")
    def fail():
        raise RuntimeError("in a command")

    return app


def _around(app):
    @app.before_request
    def before():
        session["user_name"] = "ann"
        if request.path == "/before":
            raise RuntimeError("before_request")

    @app.after_request
    def after(response):
        if request.path == "/after":
            raise RuntimeError("after_request")
        return response

    @app.teardown_request
    def teardown(error):
        if request.path == "/teardown":
            raise RuntimeError("teardown_request")

    @app.teardown_appcontext
    def teardown_app(error):
        if getattr(g, "break_teardown", False):
            raise RuntimeError("teardown_appcontext")


def _views(app):
    @app.get("/fine")
    def fine():
        return "fine"

    @app.get("/view")
    def view():
        raise RuntimeError("view")

    @app.route("/post", methods=["POST"])
    def post():
        form, body = request.form, request.get_json(silent=True)
        raise RuntimeError(f"post of {len(form)} and {len(body or {})}")

    @app.get("/async")
    async def asynchronous():
        raise RuntimeError("async")

    @app.get("/template")
    def template():
        return render_template_string("{{ absent.of_it }}")

    @app.get("/appcontext")
    def appcontext():
        g.break_teardown = True
        return "then"

    @app.get("/chained")
    def chained():
        try:
            {}["cause"]
        except KeyError as error:
            raise RuntimeError("chained") from error

    @app.get("/group")
    def group():
        raise ExceptionGroup("group", [ValueError("one"), ExceptionGroup("in", [KeyError("two")])])

    @app.get("/single")
    def single():
        raise SINGLE

    @app.get("/logged")
    def logged():
        try:
            raise RuntimeError("logged")
        except RuntimeError:
            library.exception("a library logs\nFORGED line")
        return "went on"

    @app.get("/logged-and-raised")
    def logged_and_raised():
        try:
            raise RuntimeError("logged and raised")
        except RuntimeError:
            current_app.logger.exception("as some do")
            raise

    @app.get("/told")
    def told():
        try:
            raise RuntimeError("told")
        except RuntimeError as error:
            error_reporting.report(error)
            error_reporting.report(error)
        return "told"

    @app.get("/abort/<int:code>")
    def aborted(code):
        abort(code)

    @app.get("/key")
    def key():
        return request.args["absent"]

    @app.get("/exit")
    def leave():
        raise SystemExit(3)


def _streams(app):
    def parts():
        yield "one"
        raise RuntimeError("stream")

    @app.get("/stream")
    def stream():
        return Response(parts())

    @app.get("/stream-context")
    def stream_context():
        return Response(stream_with_context(parts()))

    @app.get("/on-close")
    def on_close():
        response = Response("closed")

        @response.call_on_close
        def close():
            raise RuntimeError("on close")

        return response

    class Own(Response):
        def close(self):
            raise RuntimeError("own close")

    class Calling(Response):
        def __call__(self, environ, start_response):
            yield from super().__call__(environ, start_response)
            raise RuntimeError("own call")

    @app.get("/own-call")
    def own_call():
        return Calling("sent in its own way")

    @app.get("/own-response")
    def own_response():
        return Own("closes in its own way")


def _threads(app):
    def fail(what):
        raise RuntimeError(what)

    def log(what):
        try:
            fail(what)
        except RuntimeError:
            library.exception("in a thread")

    def wait_for(work):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return "ended"

    @app.get("/thread")
    def thread():
        return wait_for(lambda: fail("thread"))

    @app.get("/thread-logged")
    def thread_logged():
        return wait_for(lambda: log("thread logged"))

    @app.get("/thread-context")
    def thread_context():
        return wait_for(copy_current_request_context(lambda: log("thread context")))

    @app.get("/executor")
    def executor():
        with ThreadPoolExecutor(1) as pool:
            pool.submit(fail, "executor")
        return "nobody asked"

    @app.get("/executor-asked")
    def executor_asked():
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(fail, "executor asked").result()

    @app.get("/executor-handled")
    def executor_handled():
        with ThreadPoolExecutor(1) as pool:
            return str(pool.submit(fail, "handled").exception())


def _handlers(app, kind):
    if kind == "caught":

        @app.errorhandler(Exception)
        def every(error):
            return "caught", 200

        return

    @app.errorhandler(Refused)
    def refused(error):
        return "refused", 503

    @app.errorhandler(Harmless)
    def harmless(error):
        return "harmless", 400

    @app.errorhandler(ZeroDivisionError)
    def failing(error):
        raise RuntimeError("the handler failed") from error

    if kind == "plain":

        @app.errorhandler(500)
        def page(error):
            return "an error page", 500

    for route, error in {"refused": Refused, "harmless": Harmless, "quiet": QuietChild}.items():
        app.add_url_rule(f"/{route}", route, _raising(error))
    app.add_url_rule("/handler", "handler", _raising(ZeroDivisionError))


def _raising(error):
    def view():
        raise error("by view")

    return view


def _blueprint():
    blueprint = Blueprint("shop", __name__, url_prefix="/shop")

    @blueprint.get("/view")
    def view():
        raise RuntimeError("blueprint")

    @blueprint.get("/order/<token>")
    def order(token):
        raise LookupError(f"no order {token}")

    @blueprint.get("/login")
    def login():
        g._login_user = SimpleNamespace(username="bea", get_id=lambda: "7")
        raise RuntimeError("login")

    return blueprint


apps = {kind: create(kind) for kind in FLAGS}
app = apps["plain"]
served = DispatcherMiddleware(app, {f"/{kind}": one for kind, one in apps.items()})
