"""The scene: local TLS servers, right and wrong in the usual ways, and what `check` says."""

from __future__ import annotations

from toolkit.demo import Stage
from toolkit.files import write_atomic
from toolkit_https.lab import Lab

WRONG = (
    ("expired", "A certificate that ran out: every client refuses it."),
    ("wrong-host", "A certificate for another name."),
    ("incomplete-chain", "The intermediate certificate is missing: browsers may hide the fault, "
     "command-line clients don't."),
    ("self-signed", "A certificate that nobody vouches for."),
)  # fmt: skip


def scene(stage: Stage) -> None:
    """Start a trial certification authority and five servers on loopback, and check each."""
    with Lab() as lab:
        stage.say(
            "A certification authority for this demonstration alone, and five HTTPS "
            "servers on loopback. This one is right; ca.pem is what its clients trust."
        )
        good = lab.start("good")
        write_atomic(stage.folder / "ca.pem", good.ca_pem)
        stage.run("https", "check", "--ca", "ca.pem", _target(good.name, good.host, good.port))
        bad = []
        for trap, meaning in WRONG:
            server = lab.start(trap)
            bad.append(_target(server.name, server.host, server.port))
            stage.say(meaning)
            stage.run("https", "check", "--ca", "ca.pem", bad[-1], expect=1)
        stage.say("All of them at once, as a script would read them; one dead port among them.")
        dead = _target(good.name, good.host, lab.closed_port())
        stage.run("https", "check", "--ca", "ca.pem", "--format", "csv", *bad, dead, expect=1)


def _target(name: str, host: str, port: int) -> str:
    """Return `name@address:port`: connect there, verify as `name`."""
    address = f"[{host}]" if ":" in host else host
    return f"{name}@{address}:{port}"
