"""A copy of the application, so that nothing of the original is touched; and how to start it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import ToolkitError, UsageError
from toolkit.text import clean
from toolkit_flask.manifest import NAME, Site, read_manifest
from toolkit_flask.proving.model import Loadable

LEFT_OUT = {"node_modules", "__pycache__", ".git", ".hg", ".svn", ".tox", ".nox", ".mypy_cache"}
MAX_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Copied:
    """Where the copy is: its root (the working directory) and what goes in front of sys.path."""

    root: Path
    path: tuple[Path, ...]


def copy_application(source: Path, target: Path, base: Path) -> Copied:
    """Copy the application at `source` below `target`; virtual environments and history stay.

    `base` is the folder that its modules are imported from. Raises UsageError for a folder that is
    only a part of a package, ToolkitError where it can't be copied.
    """
    source = source.resolve()
    root = target / source.name
    if not base.is_relative_to(source) and base != source.parent:
        message = f"{clean(str(source))}: is inside of a package, and alone can't be imported"
        raise UsageError(message, hint=f"name the folder that is below {clean(str(base))}")
    _refuse_the_large(source)
    try:
        shutil.copytree(source, root, ignore=_left_out, ignore_dangling_symlinks=True)
    except (OSError, shutil.Error) as error:
        message = f"{clean(str(source))}: cannot be copied: {_reason(error)}"
        raise ToolkitError(
            message, hint="free space in TMPDIR, or fix what cannot be read"
        ) from error
    folder = root / base.relative_to(source) if base != source.parent else target
    paths = dict.fromkeys((folder, root / "src"))
    return Copied(root, tuple(path for path in paths if path.is_dir()))


def _reason(error: OSError) -> str:
    """Return why copying failed: `shutil.Error` has a list of (source, target, reason)."""
    if isinstance(error, shutil.Error) and isinstance(error.args[0], list) and error.args[0]:
        place, _, why = error.args[0][0]
        return clean(f"{place}: {why}", limit=300)
    return clean(error.strerror or str(error), limit=300)


def _base(folder: Path) -> Path:
    """Return the folder to import from: the first one that is no package, from `folder` upwards."""
    while (folder / "__init__.py").exists():
        folder = folder.parent
    return folder


def _refuse_the_large(source: Path) -> None:
    total = 0
    for folder, names, files in os.walk(source):
        names[:] = [name for name in names if name not in _left_out(folder, names)]
        total += sum(_size(Path(folder) / name) for name in files)
        if total > MAX_BYTES:
            message = f"{clean(str(source))}: more than 1 GiB would be copied"
            raise UsageError(message, hint="name the folder of the application alone")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _left_out(folder: str, names: list[str]) -> set[str]:
    """Return what is not copied: history, caches, virtual environments, links to a folder above."""
    here = Path(folder).resolve()
    found = {name for name in names if name in LEFT_OUT}
    for name in names:
        path = Path(folder) / name
        loop = path.is_symlink() and here.is_relative_to(path.resolve())
        if loop or (path / "pyvenv.cfg").exists() or path.is_fifo() or path.is_socket():
            found.add(name)
    return found


def loadables(source: Path, application: str) -> list[Loadable]:
    """Return what to load: `application`, or each call site that the manifest knows.

    Raises UsageError where there is no manifest, or a site's application can't be imported.
    """
    source = source.resolve()
    if application:
        return [Loadable(application, _base(source))]
    manifest = read_manifest(source)
    if manifest is None or not manifest.sites:
        message = f"{clean(str(source))}: no record of error reporting here ({NAME})"
        raise UsageError(message, hint="put it in: toolkit flask scaffold --into PATH --apply; or "
                                       "name what to load: --app package:create_app")  # fmt: skip
    return [_of_site(source, site) for site in manifest.sites]


def _of_site(source: Path, site: Site) -> Loadable:
    """Return the site as `flask --app` takes it: a global, or the function that makes it."""
    path = source / site.path
    base = _base(path.parent)
    parts = path.relative_to(base).with_suffix("").parts
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    names = site.name.split(".")
    if len(names) > 2 or "self" in names:  # noqa: PLR2004  a function and a name in it
        message = f"{clean(site.name)} in {clean(site.path)} is not at hand by importing it"
        raise UsageError(message, hint=_how_to_reach(module, ".".join(parts[:-1]), names))
    return Loadable(f"{module}:{names[0]}", base)


def _how_to_reach(module: str, package: str, names: list[str]) -> str:
    """Return what to write so that importing gives the application: a module of a few lines."""
    made = f"{names[0]}(…)"
    if "self" in names:
        made = ".".join([made, *names[names.index("self") + 1 :]])
    beside = ".".join(part for part in (package, "prove_me") if part)
    return (
        "write a module beside it that makes the application, prove_me.py:\n"
        f"  from {clean(module)} import {clean(names[0])}\n"
        f"  app = {clean(made)}\n"
        f"and name it: --app {clean(beside)}:app (docs/how-to/flask-prove.md has an example)"
    )


def python_of(source: Path, environ: Mapping[str, str]) -> str:
    """Return the interpreter that has what the application needs.

    Its own virtual environment (.venv, venv, env), the one it is installed in, the one that is
    active, else ours.
    """
    beside = [source / name for name in (".venv", "venv", "env")]
    above = [folder for folder in source.resolve().parents if (folder / "pyvenv.cfg").exists()]
    active = [Path(environ["VIRTUAL_ENV"])] if environ.get("VIRTUAL_ENV") else []
    for folder in (*beside, *above, *active):
        python = folder / "bin" / "python"
        if python.exists():
            return str(python)
    return sys.executable
