"""A TFTP client (RFC 1350): `tftp_client.py PORT NAME…` prints SHA-256 sums, or "refused: …"."""

from __future__ import annotations

import hashlib
import socket
import sys
import time

TIMEOUT = 20.0


def fetch(name: str, port: int) -> bytes:
    """Return a file by TFTP (RFC 1350). Raises FileNotFoundError with the server's words."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.settimeout(0.3)
        request = b"\0\1" + name.encode() + b"\0octet\0"
        found, to, last = b"", ("127.0.0.1", port), request
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            channel.sendto(last, to)
            try:
                raw, to = channel.recvfrom(2048)
            except (TimeoutError, ConnectionRefusedError):
                continue
            if raw[1] == 5:
                raise FileNotFoundError(raw[4:].rstrip(b"\0").decode())
            if int.from_bytes(raw[2:4], "big") == len(found) // 512 + 1:
                found += raw[4:]
            last = b"\0\4" + raw[2:4]
            if len(raw) < 516:
                channel.sendto(last, to)
                return found
    raise TimeoutError(name)


def main() -> None:
    """Fetch the files and print a line for each."""
    for name in sys.argv[2:]:
        try:
            print(hashlib.sha256(fetch(name, int(sys.argv[1]))).hexdigest())  # noqa: T201  its voice
        except FileNotFoundError as error:
            print(f"refused: {error}")  # noqa: T201  its voice


if __name__ == "__main__":
    main()
