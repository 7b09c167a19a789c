"""The questions of `scaffold`, their defaults, and answers that are right for every file."""

from __future__ import annotations

import keyword
import re
import sys
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated

from toolkit.documents import Parser, bind, load, problems_of
from toolkit.documents.document import Document, nowhere
from toolkit.documents.problems import DocumentError
from toolkit.text import clean
from toolkit_flask.settings import Settings

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
_HOST_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(?P<port>[0-9]{1,5})")
_ADDRESS = re.compile(r"[^\s@<>,;:\"\\()\[\]]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,253}")
_LOOPBACK = {"localhost", "[::1]"}
_TAKEN = {"deploy", "error_reporting", "flask", "gunicorn", "jinja2", "tests", "werkzeug"}
_PORTS = 65535
_SHORT = 200


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("text is wanted")  # noqa: TRY004  what a Parser raises
    if value != value.strip() or not value or not value.isprintable() or len(value) > _SHORT:
        raise ValueError("is empty, too long, or has blanks at its ends or control characters")
    return value


def _name(value: object) -> str:
    text = _text(value)
    if not _NAME.fullmatch(text):
        raise ValueError("a name has lower case letters and digits, in groups joined by hyphens")
    package = text.replace("-", "_")
    if keyword.iskeyword(package) or package in {*_TAKEN, *sys.stdlib_module_names}:
        raise ValueError("is the name of a module that Python or the application itself uses")
    return text


def _user(value: object) -> str:
    if not _USER.fullmatch(_text(value)):
        raise ValueError("is no user name as useradd(8) takes them")
    return _text(value)


def _folder(value: object) -> str:
    path = _text(value)
    if not path.startswith("/") or ".." in Path(path).parts or path.endswith("\\"):
        raise ValueError("an absolute path without .. is wanted")
    if not path.strip("/"):
        raise ValueError("the root folder is no place for it")
    return path.rstrip("/")


def host_port(value: object) -> str:
    """Return "host:port" as it is. Raises ValueError for anything else."""
    found = _HOST_PORT.fullmatch(_text(value))
    if not found or not 0 < int(found["port"]) <= _PORTS:
        raise ValueError("host:port is wanted, an IPv6 address in brackets")
    return found[0]


def address(value: object) -> str:
    """Return a mail address as it is: an addr-spec of RFC 5322 without quoting and comments."""
    if not _ADDRESS.fullmatch(_text(value)):
        raise ValueError("is no mail address")
    return _text(value)


def _addresses(value: object) -> list[str]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise ValueError("mail addresses, a list or with commas")  # noqa: TRY004  as above
    return [address(part.strip() if isinstance(part, str) else part) for part in parts]


def _count(least: int, most: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        number = int(value) if isinstance(value, str) and value.isdecimal() else value
        if type(number) is not int or not least <= number <= most:
            raise ValueError(f"a whole number from {least} to {most} is wanted")
        return number

    return parse


def _security(value: object) -> str:
    if value not in {"starttls", "tls", "none"}:
        raise ValueError("is none of: starttls, tls, none")
    return str(value)


@dataclass(frozen=True, slots=True)
class Answers:
    """All that the generated files depend on."""

    name: Annotated[str, Parser(_name)]
    title: Annotated[str, Parser(_text)]
    mail_to: Annotated[list[str], Parser(_addresses)]
    mail_from: Annotated[str, Parser(address)]
    mail_server: Annotated[str, Parser(host_port)]
    mail_security: Annotated[str, Parser(_security)]
    user: Annotated[str, Parser(_user)]
    folder: Annotated[str, Parser(_folder)]
    logs: Annotated[str, Parser(_folder)]
    bind: Annotated[str, Parser(host_port)]
    workers: Annotated[int, Parser(_count(1, 256))]
    hops: Annotated[int, Parser(_count(0, 8))]

    @property
    def package(self) -> str:
        """The name to import."""
        return self.name.replace("-", "_")


QUESTIONS: Mapping[str, str] = {
    "name": "Name of the application (its package has underscores for hyphens)",
    "title": "Title, for people",
    "mail_to": "Who gets the error reports (addresses, separated by commas; empty: nobody by mail)",
    "mail_from": "Their sender",
    "mail_server": "Mail server (host:port)",
    "mail_security": "Encryption to it (starttls, tls from the start, or none)",
    "user": "User that the service runs as",
    "folder": "Folder that it is installed in",
    "logs": "Folder of its logs",
    "bind": "Address that gunicorn listens on (host:port)",
    "workers": "Processes",
    "hops": "Reverse proxies in front of it",
}
"""What is asked for each field of `Answers`, in this order."""
Ask = Callable[[str, str], str]
"""Ask (question, default) and return what was typed, "" for the default."""


def default_for(field: str, known: Mapping[str, object], settings: Settings, host: str) -> object:
    """Return the default of `field`, given the answers so far (those of the questions before it).

    `host` is this machine's name, for the sender's address.
    """
    name = str(known["name"]) if "name" in known else ""
    server = str(known.get("mail_server", settings.mail_server))
    near = server.rpartition(":")[0] in _LOOPBACK or server.startswith("127.")
    defaults: dict[str, object] = {
        "title": name.replace("-", " ").capitalize(),
        "mail_to": list(settings.mail_to),
        "mail_from": settings.mail_from or f"errors@{host}",
        "mail_server": settings.mail_server,
        "mail_security": settings.mail_security or ("none" if near else "starttls"),
        "user": name[:31],
        "folder": f"/srv/{name}",
        "logs": f"/var/log/{name}",
        "bind": "127.0.0.1:8000",
        "workers": 2,
        "hops": 1,
    }
    return defaults[field]


def name_from(folder: Path) -> str:
    """Return the name that a folder suggests, "app" where it suggests none."""
    plain = unicodedata.normalize("NFKD", folder.name)  # "ü" is "u" and two dots
    words = re.findall(r"[a-z0-9]+", plain.encode("ascii", "ignore").decode().lower())
    text = "-".join(words)
    try:
        return _name(text)
    except ValueError:
        return "my-app" if not text or text[0].isdigit() else f"{text}-app"


def complete(
    given: Mapping[str, object], settings: Settings, host: str, source: str, ask: Ask | None = None
) -> Answers:
    """Return the answers: those `given` (by field), the others asked for, or the defaults.

    `given` has "name". Raises DocumentError where an answer or a default is wrong; a wrong answer
    to a question is asked for again.
    """
    known: dict[str, object] = {}
    for field, question in QUESTIONS.items():
        if field in given and not (field == "name" and ask):
            known[field] = given[field]
            continue
        default = given["name"] if field == "name" else default_for(field, known, settings, host)
        known[field] = _asked(field, question, default, ask) if ask else default
    model, faults = bind(Answers, known)
    if model is None:
        raise DocumentError(problems_of(Document(source, known, nowhere(source)), faults))
    return model


def _asked(field: str, question: str, default: object, ask: Ask) -> object:
    shown = ", ".join(default) if isinstance(default, list) else str(default)
    while True:
        typed = ask(question, shown).strip()
        value: object = typed or default
        faults = _faults(field, value)
        if not faults:
            return value
        question = f"{clean(faults)}; {QUESTIONS[field]}"


def _faults(field: str, value: object) -> str:
    """Return what is wrong with one answer, or ""."""
    _, faults = bind(Draft, {field: value})
    return faults[0].message if faults else ""


@dataclass(frozen=True, slots=True)
class Draft:
    """An answers file: any of the answers."""

    name: Annotated[str, Parser(_name)] | None = None
    title: Annotated[str, Parser(_text)] | None = None
    mail_to: Annotated[list[str], Parser(_addresses)] | None = None
    mail_from: Annotated[str, Parser(address)] | None = None
    mail_server: Annotated[str, Parser(host_port)] | None = None
    mail_security: Annotated[str, Parser(_security)] | None = None
    user: Annotated[str, Parser(_user)] | None = None
    folder: Annotated[str, Parser(_folder)] | None = None
    logs: Annotated[str, Parser(_folder)] | None = None
    bind: Annotated[str, Parser(host_port)] | None = None
    workers: Annotated[int, Parser(_count(1, 256))] | None = None
    hops: Annotated[int, Parser(_count(0, 8))] | None = None


def read_answers(path: Path) -> dict[str, object]:
    """Return the answers in a YAML or JSON file. Raises UsageError (DocumentError) with places."""
    draft = load(path, Draft)
    return {item.name: value for item in fields(draft) if (value := getattr(draft, item.name))
            is not None}  # fmt: skip


def as_record(answers: Answers) -> dict[str, object]:
    """Return the answers as JSON-ready values, for the manifest."""
    return asdict(answers)
