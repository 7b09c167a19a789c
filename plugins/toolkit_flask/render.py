"""Answers → the files of an application, in memory. The same answers give the same bytes.

`error_reporting` is copied verbatim; Jinja renders the thin files around it, strictly: an unknown
name or a value that went through no filter for its format is an error (see `quoting`).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING

from toolkit.documents.problems import DocumentError, Problem
from toolkit.text import clean
from toolkit_flask.answers import Answers
from toolkit_flask.quoting import FILTERS, finalize

if TYPE_CHECKING:
    from jinja2 import Environment

PACKAGE = "error_reporting"
TEMPLATES: Mapping[str, str] = {
    ".gitignore": "gitignore.j2",
    "README.md": "README.md.j2",
    "pyproject.toml": "pyproject.toml.j2",
    "{package}/__init__.py": "factory.py.j2",
    "{package}/config.py": "config.py.j2",
    "{package}/errors.py": "errors.py.j2",
    "{package}/health.py": "health.py.j2",
    "{package}/views.py": "views.py.j2",
    "{package}/templates/base.html": "pages/base.html",
    "{package}/templates/error.html": "pages/error.html",
    "{package}/templates/index.html": "pages/index.html",
    "tests/conftest.py": "conftest.py.j2",
    "tests/test_app.py": "test_app.py.j2",
    "deploy/gunicorn.conf.py": "gunicorn.conf.py.j2",
    "deploy/{name}.env": "service.env.j2",
    "deploy/{name}.logrotate": "logrotate.j2",
    "deploy/{name}.service": "unit.service.j2",
}
"""Each file of an application and its template; one that isn't `.j2` is copied."""


def reporting_files(folder: str) -> dict[str, bytes]:
    """Return the package `error_reporting` as it lies in this plugin, below `folder`."""
    source = resources.files("toolkit_flask") / PACKAGE
    return {f"{folder}/{name}": raw for name, raw in sorted(_tree(source, ""))}


def _tree(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for item in folder.iterdir():
        if item.is_dir() and item.name != "__pycache__":
            found += _tree(item, f"{prefix}{item.name}/")
        elif item.is_file() and not item.name.endswith(".pyc"):
            found.append((f"{prefix}{item.name}", item.read_bytes()))
    return found


def application(answers: Answers) -> dict[str, bytes]:
    """Return all files of an application: path → bytes.

    Raises DocumentError naming the file whose format cannot hold an answer.
    """
    values = _values(answers)
    environment = _environment()
    files: dict[str, bytes] = {}
    for pattern, template in TEMPLATES.items():
        path = pattern.format(package=answers.package, name=answers.name)
        files[path] = _render(environment, template, values, path)
    return files | reporting_files(f"{answers.package}/{PACKAGE}")


def _render(
    environment: Environment, template: str, values: Mapping[str, object], path: str
) -> bytes:
    if not template.endswith(".j2"):
        return (resources.files("toolkit_flask") / "templates" / template).read_bytes()
    try:
        return environment.get_template(template).render(values).encode()
    except ValueError as error:
        message = f"{clean(str(error))}: choose another answer"
        raise DocumentError([Problem(path, 0, 0, "", message, "")]) from error


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("toolkit_flask"),
        undefined=StrictUndefined,
        finalize=finalize,
        autoescape=False,  # noqa: S701  no HTML is rendered: each format has its filter
        keep_trailing_newline=True,
    )
    made.filters = dict(FILTERS)
    return made


def _values(answers: Answers) -> dict[str, object]:
    """Return what the templates know: the answers, and what follows from them."""
    folder, package = answers.folder, answers.package
    log = f"{answers.logs}/error-reports.log"
    return {
        **{name: getattr(answers, name) for name in answers.__slots__},
        "package": package,
        "prefix": package.upper(),
        "mail_to_text": ", ".join(answers.mail_to),
        "environment_file": f"/etc/{answers.name}.env",
        "log": log,
        "spool": f"{log}.spool",
        "venv": f"{folder}/venv",
        "pip": f"{folder}/venv/bin/pip",
        "flask": f"{folder}/venv/bin/flask",
        "gunicorn": f"{folder}/venv/bin/gunicorn",
        "gunicorn_conf": f"{folder}/gunicorn.conf.py",
        "target": f"{package}:create_app()",
    }
