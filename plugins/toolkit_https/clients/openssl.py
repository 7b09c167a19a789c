"""openssl s_client(1): a tool for looking, which without its verifying options verifies nothing.

A shell writes the request to it, as people do; without -servername an address is verified as one.
"""

from __future__ import annotations

from toolkit_https.clients.kinds import Program

_ASK = "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | "
_PLAIN = _ASK + '"$1" s_client -quiet -no_ign_eof -CAfile "$4" -host "$2" -port "$3"'
_VERIFYING = (
    "case $2 in *[!0-9.:]*) what=-verify_hostname ;; *) what=-verify_ip ;; esac; "
    f'{_PLAIN} "$what" "$2" -verify_return_error'
)
_ARGUMENTS = ("sh", "{program}", "{host}", "{port}", "{ca}")

client = Program(
    name="openssl",
    program="openssl",
    package="openssl",
    version=("version",),
    ways=(
        ("openssl s_client -verify_hostname -verify_return_error",
         ("sh", "-c", _VERIFYING, *_ARGUMENTS), False),
        ("openssl s_client", ("sh", "-c", _PLAIN, *_ARGUMENTS), True),
    ),
)  # fmt: skip
