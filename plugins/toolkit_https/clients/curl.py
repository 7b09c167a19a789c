"""curl(1). `-q`: without the user's ~/.curlrc, so that the answer is curl's own."""

from __future__ import annotations

from toolkit_https.clients.kinds import Program

PLAIN = ("-q", "-sS", "-o", "/dev/null", "--noproxy", "*", "--max-time", "20")

client = Program(
    name="curl",
    program="curl",
    package="curl",
    ways=(
        ("curl", (*PLAIN, "--cacert", "{ca}", "{url}"), False),
        ("curl -k", (*PLAIN, "-k", "{url}"), True),
    ),
)
