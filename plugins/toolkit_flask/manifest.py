"""What the toolkit put into an application: versions, digests, call sites and pristine copies.

It lies in `.toolkit-flask/`: `manifest.json`, and each generated file as it was generated in
`pristine/`, named by its digest. These make a later version's merge three-way and `remove` exact.
Nothing in it depends on the time or the machine.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath

from toolkit.documents import load
from toolkit.errors import UsageError
from toolkit.text import clean

FOLDER = ".toolkit-flask"
NAME = f"{FOLDER}/manifest.json"
SCHEMA = "toolkit.flask.manifest/1"


@dataclass(frozen=True, slots=True)
class Site:
    """A place where an application is constructed and error reporting is put into it.

    `path` is relative to the root (POSIX), `name` what the insertion names: "create_app.app".
    """

    path: str
    name: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """One application's record.

    kind     "application" (scaffolded whole) or "into" (put into an existing one)
    package  the folder of error_reporting, relative to the root
    answers  of a scaffolded application, by question
    files    path of each generated file → SHA-256 of it as generated
    sites    where it is called; for "into"
    """

    schema: str
    toolkit: str
    kind: str
    package: str
    answers: dict[str, object] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    sites: list[Site] = field(default_factory=list)

    def text(self) -> str:
        """Return the manifest's file; the same for the same manifest."""
        return json.dumps(asdict(self), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def digest(raw: bytes) -> str:
    """Return the SHA-256 of a file, in hex."""
    return hashlib.sha256(raw).hexdigest()


def pristine_name(sha256: str) -> str:
    """Return where the pristine copy with that digest lies, relative to the root."""
    return f"{FOLDER}/pristine/{sha256}"


def read_manifest(root: Path) -> Manifest | None:
    """Return the manifest of the application at `root`, None where there is none.

    Raises UsageError for a manifest that can't be read, is of a later version or names files
    outside of the application.
    """
    path = root / NAME
    if not path.exists():
        return None
    manifest = load(path, Manifest)
    if manifest.schema != SCHEMA:
        message = f'{clean(str(path))}: schema "{clean(manifest.schema, limit=60)}" is not known'
        raise UsageError(message, hint="a later version of the toolkit wrote it: use that one")
    for name in (*manifest.files, *(site.path for site in manifest.sites), manifest.package):
        if not is_inside(name):
            message = f'{clean(str(path))}: "{clean(name, limit=80)}" is outside of the application'
            raise UsageError(message, hint="restore the manifest from version control")
    return manifest


def is_inside(name: str) -> bool:
    """Tell whether a relative path stays below its root."""
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts and "\0" not in name


def pristine(root: Path, sha256: str) -> bytes | None:
    """Return a pristine copy, None where it is missing or isn't what its name says."""
    if not sha256.isalnum():
        return None
    try:
        raw = (root / pristine_name(sha256)).read_bytes()
    except OSError:
        return None
    return raw if digest(raw) == sha256 else None
