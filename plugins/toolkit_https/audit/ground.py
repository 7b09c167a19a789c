"""The ground of an audit: laboratory, trial CA in a file, names that resolve, environment."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from toolkit.files import write_atomic
from toolkit_https.audit.cases import CASES
from toolkit_https.audit.sandbox import Sandbox, make_sandbox
from toolkit_https.lab import Lab
from toolkit_https.lab.traps import NAME

TRIAL_DAYS = 0.25
"""Six hours: what is signed is good for no longer than an audit by hand may take."""
CA_VARIABLES = (
    "SSL_CERT_FILE",  # OpenSSL: SSL_CTX_set_default_verify_paths(3); Go, rustls-native-certs
    "REQUESTS_CA_BUNDLE",  # requests
    "CURL_CA_BUNDLE",  # curl(1), requests
    "PERL_LWP_SSL_CA_FILE",  # LWP::UserAgent(3pm)
    "NODE_EXTRA_CA_CERTS",  # node(1)
    "GIT_SSL_CAINFO",  # git(1)
    "PIP_CERT",  # pip
    "AWS_CA_BUNDLE",  # AWS CLI and SDKs
    "HTTPLIB2_CA_CERTS",  # httplib2
    "DENO_CERT",  # deno
    "CARGO_HTTP_CAINFO",  # cargo
    "NIX_SSL_CERT_FILE",  # nix
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",  # gRPC
)
"""What programs call the file of trusted certificates in their environment."""
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy")
"""Without these, in either case: a proxy elsewhere doesn't know the trial names."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where clients are tried: everything that an audit takes from the world."""

    lab: Lab
    ca: Path
    sandbox: Sandbox
    environ: Mapping[str, str]
    seconds: float = 10.0
    workers: int = 8

    def resolves(self, name: str) -> bool:
        """Whether a client can come to `name` here: it resolves, or is an address."""
        return name in self.sandbox.resolves or name in {"127.0.0.1", "::1"}


@contextmanager
def prepared(
    environ: Mapping[str, str], *, seconds: float = 10.0, workers: int = 0, namespace: bool = True
) -> Iterator[Ground]:
    """Make a laboratory with a trial CA of its own, and end and remove all of it afterwards.

    `seconds` is the time for one run of the client. Without a namespace (there is none to be had,
    or not `namespace`) the servers are for "localhost", which resolves everywhere.
    """
    with tempfile.TemporaryDirectory(prefix="toolkit-audit-") as name:
        folder = Path(name)
        ca = folder / "ca.pem"
        ca.touch()  # mount(8) wants it to be there
        with Lab() as unnamed:
            names = [unnamed.name_of(case.trap) for case in CASES]
        wanted = [item for item in names if not item[0].isdigit() and ":" not in item]
        sandbox = make_sandbox(folder, wanted, ca, environ)
        if not namespace:
            sandbox = Sandbox((), "not asked for", frozenset({"localhost"}))
        with Lab(NAME if sandbox.works else "localhost", TRIAL_DAYS) as lab:
            write_atomic(ca, lab.ca_pem)
            given = handed_over(environ, str(ca))
            yield Ground(lab, ca, sandbox, given, seconds, workers or 2 * (os.cpu_count() or 2))


def handed_over(environ: Mapping[str, str], ca: str) -> dict[str, str]:
    """Return the environment that hands the CA file `ca` over, and leads to no proxy."""
    kept = {name: value for name, value in environ.items() if name.lower() not in PROXIES}
    return {**kept, **dict.fromkeys(CA_VARIABLES, ca)}
