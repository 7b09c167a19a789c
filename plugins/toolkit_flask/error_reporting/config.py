"""What can be configured: each field of `Settings` is a key, and its docstring the key's meaning.

The key of the field `mail_to` is ERROR_REPORTING_MAIL_TO. It is looked for in `app.config`, then in
the environment, then the default stands; an empty text is the default, too. Values from the
environment are text; `app.config` may hold text or the type itself. A value that cannot be read
is told on stderr and the default takes its place: a typing error never stops an application.

ERROR_REPORTING_OVERRIDE in the environment names a JSON file, for tests and rehearsals: with it,
whatever is said elsewhere about where reports go (`SINKS`) does not exist, and the file's keys win.
If it cannot be read, reports go nowhere: a rehearsal must never mail the real operators.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

PREFIX = "ERROR_REPORTING_"
OVERRIDE = "ERROR_REPORTING_OVERRIDE"
SINKS = frozenset(
    {
        "file",
        "spool",
        "stderr",
        "mail_to",
        "mail_from",
        "mail_server",
        "mail_security",
        "mail_user",
        "mail_password",
        "mail_ca",
        "sentry_dsn",
        "sentry_ca",
    }
)
"""The fields that say where reports go: the override replaces all of them together."""

STANDARD_PORTS = {"starttls": 587, "tls": 465, "none": 25}
"""RFC 6409 (submission), RFC 8314 (implicit TLS), RFC 5321."""


def _text(value: object) -> str:
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError("text is wanted")
    return os.fspath(value)


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off"}:
        return False
    raise ValueError("true or false is wanted")


def _count(value: object) -> int:
    number = int(str(value))
    if number < 0:
        raise ValueError("a number of 0 or more is wanted")
    return number


def _seconds(value: object) -> float:
    number = float(str(value))
    if not 0 <= number < float("inf"):
        raise ValueError("a number of seconds is wanted")
    return number


def _names(value: object) -> tuple[str, ...]:
    """Read a list, or text with commas between."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple, set, frozenset)):
        raise TypeError("a list, or text with commas, is wanted")
    return tuple(str(part).strip() for part in parts if str(part).strip())


def _classes(value: object) -> tuple[str, ...]:
    """Read exception classes, or their dotted names; a builtin needs no dots."""
    if isinstance(value, type):
        value = [value]
    if isinstance(value, (list, tuple, set, frozenset)):
        value = [f"{x.__module__}.{x.__qualname__}" if isinstance(x, type) else x for x in value]
    return tuple(name.replace("builtins.", "", 1) for name in _names(value))


def _one_of(*words: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        word = str(value).strip().lower()
        if word not in words:
            raise ValueError(f"one of {', '.join(words)} is wanted")
        return word

    return read


def _user(value: object) -> str | Callable[[], object]:
    if callable(value):
        return value
    return _text(value)


def _server(value: object) -> tuple[str, int]:
    """Read `host`, `host:port` or `[address]:port`; port 0 stands for the standard one."""
    host, bracket, port = str(value).strip().rpartition("]")
    if bracket:
        host = host.lstrip("[")
        port = port.lstrip(":")
    elif port.count(":") == 1:
        host, _, port = port.partition(":")
    else:
        host, port = port, ""
    if not host or any(letter.isspace() for letter in host):
        raise ValueError("host:port is wanted")
    number = int(port or 0)
    if not 0 <= number < 1 << 16:
        raise ValueError("a port is at most 65535")
    return host, number


def _key(convert: Callable[[object], object], default: object) -> Any:
    return field(default=default, metadata={"convert": convert})


@dataclass(frozen=True)
class Settings:
    """All settings of one application, read and checked."""

    file: str | None = _key(_text, None)
    """The log: every occurrence, whole. Default: `error-reports.log` in the instance folder."""
    format: str = _key(_one_of("json", "text"), "json")
    """Of the log and of stderr: `json`, one object a line, or `text`, a block a report."""
    spool: str | None = _key(_text, None)
    """The folder of reports not yet delivered. Default: the log's path with `.spool` appended."""
    spool_entries: int = _key(_count, 500)
    """How many reports may wait; further ones stand in the log only, and are counted."""
    stderr: bool = _key(_flag, default=False)
    """Whether reports go to standard error too, as a container's log wants them."""
    mail_to: tuple[str, ...] = _key(_names, ())
    """Who gets mail."""
    mail_from: str = _key(_text, "")
    """The sender. Default: `error-reporting@` and the machine's name."""
    mail_server: tuple[str, int] = field(default=("localhost", 0), metadata={"convert": _server})
    """`host:port`; without a port the standard one: 587 starttls, 465 tls, 25 none."""
    mail_security: str = _key(_one_of("starttls", "tls", "none"), "starttls")
    """`starttls` and `tls` verify the server's certificate and name; `none` is plain text."""
    mail_user: str = _key(_text, "")
    """The name to log in with, if any."""
    mail_password: str = field(default="", repr=False, metadata={"convert": _text})
    """Its password; never sent without TLS, except to the machine itself."""
    mail_ca: str = _key(_text, "")
    """A PEM file of issuers to trust for mail besides the system's."""
    sentry_dsn: str = field(default="", repr=False, metadata={"convert": _text})
    """Where a Sentry-compatible server takes events: `https://KEY@HOST/PROJECT`."""
    sentry_ca: str = _key(_text, "")
    """A PEM file of issuers to trust for that server besides the system's."""
    timeout: float = _key(_seconds, 10.0)
    """Seconds that the sender waits for each answer of a server, and six times that for all of a
    conversation; requests never wait for one."""
    exit_seconds: float = _key(_seconds, 2.0)
    """Seconds at the end of a process to deliver what is left; what remains stays in the spool."""
    name: str = _key(_text, "")
    """What the application is called in reports. Default: `app.name`."""
    release: str = _key(_text, "")
    """The version of the application, as reports show it."""
    trusted_hops: int = _key(_count, 0)
    """How many proxies of yours append to X-Forwarded-For; 0 trusts none."""
    user: str | Callable[[], object] | None = field(default=None, metadata={"convert": _user})
    """A key of the session, or a function, that names the user. Default: flask-login, or the
    usual keys of the session."""
    ignore: tuple[str, ...] = _key(_classes, ())
    """Exception classes (with their subclasses), or dotted names, that are never reported."""
    level: str = _key(_one_of("error", "critical", "off"), "error")
    """Logged exceptions from this level on are reported; `off`: none."""
    locals: bool = _key(_flag, default=False)
    """Whether reports show the local variables of frames, redacted."""
    redact: tuple[str, ...] = _key(_names, ())
    """Further names whose values are secret, as `pin` or `x-device`."""
    rate: int = _key(_count, 60)
    """How many reports an hour may leave; the rest are counted, and told in a digest."""
    dedup_seconds: float = _key(_seconds, 600.0)
    """For so long after a report, more of its kind are counted, not sent."""

    @property
    def mail_address(self) -> tuple[str, int]:
        """Host and port of the mail server."""
        host, port = self.mail_server
        return host, port or STANDARD_PORTS[self.mail_security]

    @property
    def sinks(self) -> tuple[str, ...]:
        """Where reports are delivered from the spool: `stderr`, `mail`, `sentry`."""
        wanted = {"stderr": self.stderr, "mail": self.mail_to, "sentry": self.sentry_dsn}
        return tuple(name for name, on in wanted.items() if on)


FIELDS = {PREFIX + item.name.upper(): item for item in fields(Settings)}
"""The dataclass field of each key."""


def read(
    config: Mapping[str, object], environ: Mapping[str, str], note: Callable[[str], None]
) -> Settings:
    """Read all settings; each fault is told to `note` in a sentence, and the default stands."""
    override: Mapping[str, object] = {}
    closed = OVERRIDE in environ
    if closed:
        override = _read_override(environ[OVERRIDE], note)
    values: dict[str, object] = {}
    for key, item in FIELDS.items():
        value = override.get(key)
        if value is None and not (closed and item.name in SINKS):
            value = config.get(key)
            value = environ.get(key) if value is None else value
        if value is None or value == "":
            continue
        try:
            values[item.name] = item.metadata["convert"](value)
        except (TypeError, ValueError) as error:
            note(f"{key} is not used: {error}")
    if closed and "file" not in values:
        values["file"] = os.devnull
    return Settings(**values)  # type: ignore[arg-type]  # each went through its own converter


def _read_override(path: str, note: Callable[[str], None]) -> Mapping[str, object]:
    try:
        with open(path, encoding="utf-8") as stream:
            found = json.load(stream)
        if isinstance(found, dict):
            return found
        note(f"{OVERRIDE}={path} holds no object; reports go nowhere")
    except (OSError, ValueError) as error:
        note(f"{OVERRIDE}={path} can't be read ({error}); reports go nowhere")
    return {}
