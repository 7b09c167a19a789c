"""The part of the laboratory that lives in the network namespace; started by `lab.Lab` alone.

It is the client's end of a cable whose other end is the server's, in a second namespace. It reads
JSON lines and answers each with one. When its input ends, or it is killed, the process namespace
ends with it, and with that the server, both networks and the cable: nothing has a name to be left.
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

CLIENT, SERVER = "cli0", "srv0"
RESEND = 0.4
_START = """
here=$(readlink /proc/self/ns/net)
[ "$here" != "$1" ] && [ "$here" != "$2" ] || exit 99
shift 2
read -r go
exec "$@"
"""
"""The server's shell: never in the caller's network nor in ours, and not before it has its end."""


def namespace() -> str:
    """Return what identifies our network namespace."""
    return str(Path("/proc/self/ns/net").readlink())


def ip(*argv: str) -> None:
    """Configure our network as `ip` does. Raises CalledProcessError."""
    subprocess.run(["ip", *argv], check=True, capture_output=True, text=True)


def settle(device: str, prefix: Sequence[str] = ()) -> None:
    """Let addresses be usable at once: no duplicate address detection, no router advertisements."""
    keys = {"accept_dad": "0", "accept_ra": "0"}
    for key, value in keys.items():
        subprocess.run(
            [*prefix, "sh", "-c", f"echo {value} > /proc/sys/net/ipv6/conf/{device}/{key}"],
            check=False,
            capture_output=True,
        )


class Inside:
    """The laboratory's state: the server's process, and what it said."""

    def __init__(self, caller: str) -> None:
        """Refuse to be anywhere but in a network of our own, then lay the cable."""
        if namespace() == caller:
            raise RuntimeError("this is the caller's own network")
        self.caller = caller
        self.server: subprocess.Popen[bytes] | None = None
        self.log: Path | None = None
        ip("link", "set", "lo", "up")

    def serve(
        self, argv: Sequence[str], addresses: Sequence[str], routes: Sequence[str], log: str
    ) -> None:
        """Start a server at its end of a new cable, with these addresses ("10.0.0.1/24")."""
        self.stop()
        self.log = Path(log)
        stream: IO[bytes]
        with self.log.open("wb") as stream:
            self.server = subprocess.Popen(
                ["unshare", "--net", "sh", "-c", _START, "sh", self.caller, namespace(), *argv],
                stdin=subprocess.PIPE, stdout=stream, stderr=stream,
            )  # fmt: skip
        number = str(self.server.pid)
        self._wait_apart(number)
        ip("link", "add", CLIENT, "type", "veth", "peer", "name", SERVER)
        ip("link", "set", SERVER, "netns", number)
        there = ["nsenter", f"--net=/proc/{self._outer(number)}/ns/net"]
        settle(SERVER, there)
        settle(CLIENT)
        for command in (
            *(f"ip addr add {item} dev {SERVER}" for item in addresses),
            "ip link set lo up", f"ip link set {SERVER} up",
            *(f"ip route add {item} dev {SERVER}" for item in routes),
        ):  # fmt: skip
            subprocess.run([*there, *command.split()], check=True, capture_output=True)
        ip("link", "set", CLIENT, "up")
        self._until_up()
        if self.server.stdin is not None:
            self.server.stdin.write(b"go\n")
            self.server.stdin.close()

    def _outer(self, number: str) -> str:
        """Return the process' id as /proc, mounted outside, has it."""
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                lines = status.read_text().splitlines()
            except OSError:
                continue
            ids = next((line.split() for line in lines if line.startswith("NSpid:")), [])
            if len(ids) > 2 and ids[-1] == number and self._is_ours(status.parent):
                return status.parent.name
        raise RuntimeError(f"process {number} is gone")

    @staticmethod
    def _is_ours(process: Path) -> bool:
        try:
            return (process / "ns/pid").readlink() == Path("/proc/self/ns/pid").readlink()
        except OSError:
            return False

    def _wait_apart(self, number: str) -> None:
        """Wait until the server's process has left our network."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                where = Path(f"/proc/{self._outer(number)}/ns/net").readlink()
            except OSError:
                where = Path()
            if str(where) not in {"", ".", namespace(), self.caller}:
                return
            time.sleep(0.01)
        raise RuntimeError("the server's network did not come to be")

    @staticmethod
    def _until_up() -> None:
        """Wait for the cable, and for the link-local address that DHCPv6 speaks from."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            shown = subprocess.run(
                ["ip", "-6", "addr", "show", "dev", CLIENT, "scope", "link"],
                capture_output=True, text=True, check=False,
            ).stdout  # fmt: skip
            if "inet6" in shown and "tentative" not in shown:
                return
            time.sleep(0.02)

    def address(self, text: str) -> None:
        """Give the client's end an address, for a relay's packets."""
        ip("addr", "replace", text, "dev", CLIENT)
        ip("-6" if ":" in text else "-4", "route", "replace", "default", "dev", CLIENT)

    def exchange(
        self, packet: str, family: int, relay: str, to: tuple[str, int], timeout: float
    ) -> str:
        """Send a packet (hex) until an answer with its transaction id comes; return it or "".

        `to` is the server's address ("" for every server on the link) and port.
        """
        raw = bytes.fromhex(packet)
        with _socket(family, relay) as channel:
            target = _target(family, *to)
            end = time.monotonic() + timeout
            while time.monotonic() < end:
                channel.sendto(raw, target)
                found = self._receive(channel, raw, family, RESEND)
                if found:
                    return found.hex()
                if self.server is not None and self.server.poll() is not None:
                    return ""
        return ""

    @staticmethod
    def _receive(channel: socket.socket, sent: bytes, family: int, seconds: float) -> bytes:
        part = slice(4, 8) if family == 4 else slice(1, 4)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([channel], [], [], left)[0]:
                found = channel.recv(65535)
                if found[part] == sent[part]:
                    return found
        return b""

    def state(self) -> dict[str, object]:
        """Return whether the server runs, and what it printed."""
        code = self.server.poll() if self.server else None
        text = self.log.read_text(errors="replace") if self.log and self.log.exists() else ""
        return {"code": code, "running": self.server is not None and code is None, "log": text}

    def stop(self) -> None:
        """End the server and take the cable away."""
        if self.server is not None:
            self.server.kill()
            self.server.wait()
            self.server = None
            subprocess.run(["ip", "link", "del", CLIENT], check=False, capture_output=True)


def _socket(family: int, relay: str) -> socket.socket:
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    channel = socket.socket(kind, socket.SOCK_DGRAM)
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, CLIENT.encode())
    if family == 4:
        channel.bind((relay, 67) if relay else ("", 68))
    else:
        channel.bind(("::", 547 if relay else 546))
    return channel


def _target(family: int, server: str, port: int) -> tuple[Any, ...]:
    if family == 4:
        return (server or "255.255.255.255", port)
    return (server or "ff02::1:2", port, 0, 0 if server else socket.if_nametoindex(CLIENT))


def main() -> None:
    """Answer requests until there are no more."""
    inside = Inside(sys.argv[1])
    commands: Mapping[str, Callable[..., object]] = {
        "serve": inside.serve, "exchange": inside.exchange, "state": inside.state,
        "stop": inside.stop, "address": inside.address,
    }  # fmt: skip
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"result": commands[request.pop("do")](**request)}
        except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", None) or ""
            told = said.decode(errors="replace") if isinstance(said, bytes) else said
            answer = {"error": f"{error} {told}".strip()}
        print(json.dumps(answer), flush=True)  # noqa: T201  its voice
    inside.stop()


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C"
    main()
