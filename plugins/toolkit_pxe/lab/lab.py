"""The laboratory as its users see it: start a server, ask it as a client, read what it offers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from toolkit.errors import ToolkitError
from toolkit.text import clean
from toolkit_pxe.decide.client import Client
from toolkit_pxe.decide.wire import Wire
from toolkit_pxe.lab.packets import (
    BOOT_PORT,
    Reply,
    advertise_of,
    boot_request,
    discover,
    offer_of,
    relayed,
    solicit,
)
from toolkit_pxe.programs import find
from toolkit_pxe.serving import Serving

PROGRAMS = ("ip", "unshare", "nsenter", "sh")
TIMEOUT = 20.0
"""Seconds until no answer is no answer: a loaded machine starts a server slowly."""


class LabError(ToolkitError):
    """The laboratory could not be set up, or its server did not start."""


class Lab:
    """A client's end and a server's end of a cable, each in a network namespace of its own.

    Needs root (CAP_SYS_ADMIN), ip, unshare and nsenter. `folder` is temporary; whoever serves
    writes the server's files there.
    """

    def __init__(self) -> None:
        """Start the process in the namespaces. Raises LabError where that can't be."""
        missing = [name for name in PROGRAMS if find(name) is None]
        if missing or os.geteuid() != 0:
            reason = f"{', '.join(missing)} is missing" if missing else "it needs root"
            message = f"no network namespace can be made: {reason}"
            raise LabError(message, hint="apt-get install iproute2 util-linux, and run as root")
        self._folder = tempfile.TemporaryDirectory(prefix="toolkit-pxe-")
        self.folder = Path(self._folder.name)
        self.folder.chmod(0o755)  # servers drop root before they read
        here = str(Path("/proc/self/ns/net").readlink())
        self._process = subprocess.Popen(
            ["unshare", "--net", "--pid", "--fork", "--kill-child=KILL",
             sys.executable, "-P", "-m", "toolkit_pxe.lab.inside", here],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __enter__(self) -> Self:
        """Return the laboratory itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it with all that is in it."""
        self.close()

    def close(self) -> None:
        """End the process, and with it its namespaces, the server and the cable."""
        self._process.communicate(timeout=60) if self._process.poll() is None else None
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        self._folder.cleanup()

    def _ask(self, do: str, **values: object) -> Any:  # noqa: ANN401  JSON
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None or self._process.poll() is not None:
            raise LabError(f"the laboratory has ended{self._complaint()}")
        stdin.write(json.dumps({"do": do, **values}) + "\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise LabError(f"the laboratory ended{self._complaint()}")
        answer = json.loads(line)
        if "error" in answer:
            raise LabError(f"the laboratory cannot {do}: {clean(answer['error'], limit=300)}")
        return answer["result"]

    def _complaint(self) -> str:
        self._process.wait(timeout=20)
        stderr = self._process.stderr
        said = (stderr.read() if stderr else "").strip().splitlines()
        return f": {clean(said[-1], limit=200)}" if said else ""

    def serve(self, serving: Serving, addresses: Sequence[str], routes: Sequence[str] = ()) -> None:
        """Start a server with these addresses on its interface srv0; a former one is ended."""
        log = str(self.folder / "server.log")
        self._ask("serve", argv=list(serving.argv), addresses=list(addresses),
                  routes=list(routes), log=log)  # fmt: skip

    def log(self) -> str:
        """Return what the server printed so far."""
        return str(self._ask("state")["log"])

    def reply(self, client: Client, *, relay: str = "", server: str = "",
              timeout: float = TIMEOUT) -> Reply | None:  # fmt: skip
        """Return the whole answer to `client`, or None if none came. Raises LabError: it died.

        `relay` is the relay agent's address (giaddr, link-address) and `server` the server's.
        """
        packet = (discover if client.family == 4 else solicit)(client, relay)
        if relay:
            length = 32 if client.family == 4 else 128
            self._ask("address", text=f"{relay}/{length}")
            packet = relayed(client, packet, relay)
        port = 67 if client.family == 4 else 547
        answer = self._ask("exchange", packet=packet.hex(), family=client.family, relay=relay,
                           to=(server, port), timeout=timeout)  # fmt: skip
        if answer:
            read = offer_of if client.family == 4 else advertise_of
            return read(bytes.fromhex(answer))
        state = self._ask("state")
        if not state["running"]:
            last = clean(str(state["log"])[-2000:].strip(), limit=1500)
            raise LabError(f"the server ended with status {state['code']}: {last}")
        return None

    def boot_reply(self, client: Client, address: str, server: str) -> Reply | None:
        """Return the answer to a client that has `address` and asks a boot server on port 4011.

        `address` is with its prefix length: "10.0.0.5/24".
        """
        self._ask("address", text=address)
        packet = boot_request(client, address.partition("/")[0])
        answer = self._ask("exchange", packet=packet.hex(), family=4, relay="",
                           to=(server, BOOT_PORT), timeout=TIMEOUT)  # fmt: skip
        return offer_of(bytes.fromhex(answer)) if answer else None

    def offer(self, client: Client, compared: frozenset[int], *, relay: str = "",
              server: str = "", timeout: float = TIMEOUT) -> Wire | None:  # fmt: skip
        """Return the boot part of the answer: its fields, and the options that are `compared`."""
        found = self.reply(client, relay=relay, server=server, timeout=timeout)
        return None if found is None else found.wire(compared)
