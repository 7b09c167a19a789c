"""wget(1). `--no-config`: without the user's ~/.wgetrc, so that the answer is wget's own."""

from __future__ import annotations

from toolkit_https.clients.kinds import Program

PLAIN = ("--no-config", "-nv", "-O", "/dev/null", "--no-proxy", "--tries=1", "--timeout=20")

client = Program(
    name="wget",
    program="wget",
    package="wget",
    ways=(
        ("wget", (*PLAIN, "--ca-certificate={ca}", "{url}"), False),
        ("wget --no-check-certificate", (*PLAIN, "--no-check-certificate", "{url}"), True),
    ),
)
