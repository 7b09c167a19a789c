"""gnutls-cli(1), GnuTLS's own client: what programs linked with GnuTLS verify."""

from __future__ import annotations

from toolkit_https.clients.kinds import Program

_ASK = "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | "
_PLAIN = _ASK + '"$1" --x509cafile "$4" --port "$3" "$2"'
_ARGUMENTS = ("sh", "{program}", "{host}", "{port}", "{ca}")


client = Program(
    name="gnutls",
    program="gnutls-cli",
    package="gnutls-bin",
    ways=(
        ("gnutls-cli", ("sh", "-c", _PLAIN, *_ARGUMENTS), False),
        ("gnutls-cli --insecure", ("sh", "-c", _PLAIN + " --insecure", *_ARGUMENTS), True),
    ),
)
