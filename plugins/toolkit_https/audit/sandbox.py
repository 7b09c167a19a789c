"""Names for a client under trial: a user and mount namespace with a hosts file of its own.

No root is needed where the kernel lets users make namespaces (user_namespaces(7)); nothing outside
the namespace changes. There the trial CA also stands in the place of the system's bundle, for
clients that know no other (Go, GnuTLS, wget).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from toolkit.files import write_atomic
from toolkit.text import clean

HOSTS, SWITCH = "/etc/hosts", "/etc/nsswitch.conf"
BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # Alpine, BSD
)
"""Where systems keep their bundle; the list of Go's crypto/x509 (root_linux.go)."""
SECONDS = 10
_USER = ("unshare", "--user", "--map-current-user", "--keep-caps", "--mount")
"""unshare(1); the capabilities are kept for mount(8), and are good in this namespace alone."""
_ROOT = ("unshare", "--mount")
_ENDING = ("setpriv", "--pdeathsig", "KILL", "--", "sh", "-c", '[ "$PPID" = "$0" ] && exec "$@"')
"""setpriv(1): whoever runs a client may be killed, and the client must not live on. It stands last:
a change of credentials, as unshare's, takes that back (PR_SET_PDEATHSIG(2const)). A parent that was
gone before sends no signal; its pid follows."""
_SCRIPT = (
    'while [ "$1" != -- ]; do mount --bind "$1" "$2" || exit 125; shift 2; done; shift; exec "$@"'
)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """`prefix` goes before a command; names resolve only where `works`; `detail` says how or why.

    `resolves` are the names that clients can ask for.
    """

    prefix: tuple[str, ...]
    detail: str
    resolves: frozenset[str]

    @property
    def works(self) -> bool:
        """Whether commands run in a namespace of their own."""
        return bool(self.prefix)


def make_sandbox(
    folder: Path, names: Iterable[str], ca: Path, environ: Mapping[str, str]
) -> Sandbox:
    """Write the files of a sandbox into `folder` and try whether it can be had.

    Only `names` resolve there, to this machine.
    """
    everything = tuple(dict.fromkeys(names))
    hosts = f"127.0.0.1 localhost {' '.join(everything)}\n::1 localhost\n"
    mounts = _hosts(folder, hosts)
    if mounts and Path(SWITCH).exists():
        switch = folder / "nsswitch.conf"
        write_atomic(switch, _files_only(Path(SWITCH).read_text("utf-8", "replace")))
        mounts += (str(switch), SWITCH)
    return _tried(mounts and (*mounts, *_bundles(ca)), everything, environ)


def pinned_sandbox(
    folder: Path, name: str, address: str, ca: Path, environ: Mapping[str, str]
) -> Sandbox:
    """As `make_sandbox`, for a real server: `name` is at `address`, all others where they are."""
    before = Path(HOSTS).read_text("utf-8", "replace") if Path(HOSTS).exists() else ""
    mounts = _hosts(folder, f"{address} {name}\n{before}")
    return _tried(mounts and (*mounts, *_bundles(ca)), (name,), environ)


def _tried(mounts: tuple[str, ...], names: tuple[str, ...], environ: Mapping[str, str]) -> Sandbox:
    reason = f"{HOSTS} is missing"
    for begin, detail in ((_USER, "a user and mount namespace"), (_ROOT, "a mount namespace")):
        if not mounts or (begin is _ROOT and os.geteuid() != 0):
            continue
        prefix = (*begin, "--", "sh", "-c", _SCRIPT, "sh", *mounts, "--")
        reason = _failure(prefix, environ)
        if not reason:
            ending: tuple[str, ...] = (*_ENDING, str(os.getpid()))
            if _failure((*prefix, *ending), environ):  # busybox has no such setpriv
                ending = ()
            told = f"{detail} with a hosts file of its own"
            return Sandbox((*prefix, *ending), told, frozenset(names))
    return Sandbox((), reason, frozenset({"localhost"}))


def _hosts(folder: Path, content: str) -> tuple[str, ...]:
    """Write the hosts file; return the source and target of its bind mount, () if it can't be."""
    if not Path(HOSTS).exists():
        return ()
    hosts = folder / "hosts"
    write_atomic(hosts, content)
    return (str(hosts), HOSTS)


def _bundles(ca: Path) -> Iterator[str]:
    for bundle in dict.fromkeys(os.path.realpath(name) for name in BUNDLES):
        if Path(bundle).is_file():
            yield from (str(ca), bundle)


def _files_only(text: str) -> str:
    """Return nsswitch.conf(5) with host names looked up in the hosts file alone.

    nss-resolve and nss-mymachines ask a daemon outside the namespace, which reads another file.
    """
    kept = [line for line in text.splitlines() if not line.lstrip().startswith("hosts:")]
    return "\n".join([*kept, "hosts: files", ""])


def _failure(prefix: tuple[str, ...], environ: Mapping[str, str]) -> str:
    """Return why a command can't run behind `prefix`; "" if it can."""
    try:
        done = subprocess.run(
            [*prefix, "true"], env=dict(environ), stdin=subprocess.DEVNULL, capture_output=True,
            text=True, errors="replace", timeout=SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"unshare: {clean(str(error), limit=200)}"
    if done.returncode == 0:
        return ""
    return clean(done.stderr.strip() or f"unshare ended with {done.returncode}", limit=200)
