"""A real mail server on loopback that delivers to nobody: what arrived is kept."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from toolkit.errors import ToolkitError

if TYPE_CHECKING:
    from aiosmtpd.controller import Controller

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail: to whom the envelope said, its subject, and the text of all its text parts."""

    recipients: tuple[str, ...]
    subject: str
    text: str


@dataclass(slots=True)
class Mailbox:
    """The port is taken at once and refuses connections until `open`: the outage of a server."""

    mails: list[Mail] = field(default_factory=list)
    port: int = 0
    _reserved: socket.socket | None = None
    _controller: Controller | None = None

    def __enter__(self) -> Self:
        """Reserve a port."""
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind((HOST, 0))
        self.port = self._reserved.getsockname()[1]
        return self

    def open(self) -> None:
        """Begin to accept mail. Raises ToolkitError where the port was taken meanwhile."""
        from aiosmtpd.controller import Controller  # only a proof needs it

        if self._reserved:
            self._reserved.close()
        self._controller = Controller(_Handler(self.mails), hostname=HOST, port=self.port)
        try:
            self._controller.start()
        except (OSError, TimeoutError) as error:
            self._controller = None
            message = f"{HOST}:{self.port}: the mail server of the proof cannot start"
            raise ToolkitError(message, hint="run it again") from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        if self._reserved:
            self._reserved.close()
        if self._controller:
            with suppress(RuntimeError, OSError):
                self._controller.stop()


class _Handler:
    """What aiosmtpd calls."""

    def __init__(self, mails: list[Mail]) -> None:
        self._mails = mails

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: ANN401, N802  aiosmtpd's names
        """Take a mail (RFC 5321, 4.1.1.4)."""
        self._mails.append(read_mail(bytes(envelope.original_content or b""),
                                     tuple(map(str, envelope.rcpt_tos))))  # fmt: skip
        return "250 2.0.0 kept"


def read_mail(raw: bytes, recipients: tuple[str, ...]) -> Mail:
    """Return a mail's parts that people read."""
    message = message_from_bytes(raw, policy=policy.default)
    plain = message.get_body(("plain",))
    text = str(plain.get_content()) if plain else ""
    return Mail(recipients, str(message["Subject"] or ""), text)
