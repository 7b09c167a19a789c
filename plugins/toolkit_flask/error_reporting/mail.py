"""A report as mail, and its way to a server.

What is permanent for one mail (5yz of RFC 5321 after the connection stands) is told from what is
the server's or the configuration's fault and will pass: only the first sets a report aside.
"""

from __future__ import annotations

import os
import re
import smtplib
import socket
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from . import render
from .outcome import Outcome, arrived, down, later, refused
from .patience import STEPS, Patience
from .text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .config import Settings

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PERMANENT = 500
"""RFC 5321, section 4.2.1: replies from here on are final."""


def domain() -> str:
    """Return the machine's name as it may stand in an address."""
    name = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname()).strip(".-")
    return name or "localhost"


def compose(entry: Mapping[str, Any], settings: Settings) -> EmailMessage:
    """Return the mail for an entry: the same Message-ID whenever it is composed.

    Mails on errors of one kind refer to one ancestor, so that programs show them as a thread.
    """
    mail = EmailMessage(policy=SMTP)
    mail["From"] = _one_line(settings.mail_from) or f"error-reporting@{domain()}"
    mail["To"] = ", ".join(map(_one_line, settings.mail_to))
    mail["Date"] = formatdate(localtime=False)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation message shall answer
    if entry["kind"] == "digest":
        _fill_digest(mail, entry["digest"], settings)
    else:
        _fill_report(mail, {**entry["report"], "suppressed_before": entry.get("before")})
    return mail


def _fill_report(mail: EmailMessage, report: Mapping[str, Any]) -> None:
    mail["Subject"] = _one_line(render.subject(report))
    _identify(mail, str(report["id"]), str(report["fingerprint"]))
    mail["X-Report-Id"] = str(report["id"])
    mail.set_content(render.to_text(report))
    mail.add_alternative(render.to_html(report), subtype="html")


def _fill_digest(mail: EmailMessage, digest: Mapping[str, Any], settings: Settings) -> None:
    kinds = digest["kinds"]
    what = kinds[0]["title"] if len(kinds) == 1 else f"errors of {len(kinds)} kinds"
    mail["Subject"] = _one_line(f"[{settings.name}] {digest['total']} more since: {what}")[:200]
    _identify(mail, str(digest["id"]), kinds[0]["fingerprint"] if len(kinds) == 1 else "")
    mail["X-Report-Id"] = str(digest["id"])
    lines = ["More errors have come since they were reported; each stands in the log.", ""]
    for kind in kinds:
        lines += [f"{kind['count']:>8} more  {kind['title']}"]
        lines += [f"{'':15}{kind['place']}, since {kind['time']}"]
    if digest["more_kinds"]:
        lines.append(f"and of {digest['more_kinds']} further kinds")
    mail.set_content("\n".join(lines) + "\n")


def _identify(mail: EmailMessage, identity: str, fingerprint: str) -> None:
    mail["Message-ID"] = f"<{identity}@{domain()}>"
    if fingerprint:
        ancestor = f"<{fingerprint}.error-reporting@{domain()}>"
        mail["In-Reply-To"] = ancestor
        mail["References"] = ancestor


def _one_line(text: str) -> str:
    return clean(text, 900).encode("utf-8", "replace").decode("utf-8")


def send(entry: Mapping[str, Any], settings: Settings) -> Outcome:
    """Deliver one entry to the mail server, or say why not."""
    mail = compose(entry, settings)
    with Patience(settings.timeout * STEPS) as patience:
        outcome = _send(mail, settings, patience)
    if patience.is_over and outcome.kind != "arrived":
        return down(_reason(settings, TimeoutError("took too long")))
    return outcome


def _send(mail: EmailMessage, settings: Settings, patience: Patience) -> Outcome:
    try:
        server = _connect(settings, patience)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        return down(_reason(settings, error))
    try:
        rejected = server.send_message(mail, to_addrs=[_address(to) for to in settings.mail_to])
    except smtplib.SMTPException as error:
        return _judge(settings, error)
    except (OSError, ValueError) as error:
        return down(_reason(settings, error))
    finally:
        _leave(server)
    partly = f"refused for {', '.join(map(clean, rejected))}" if rejected else ""
    return arrived(partly)


class _Session(smtplib.SMTP):
    """A session whose connection is made with patience; over TLS from the start with a context."""

    def __init__(
        self, settings: Settings, patience: Patience, context: ssl.SSLContext | None
    ) -> None:
        self._patience = patience
        self._context = context
        host, port = settings.mail_address
        super().__init__(host, port, timeout=settings.timeout, local_hostname=domain())

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """As in `smtplib`, whose SMTP_SSL has this method for the same purpose."""
        made = self._patience.connect((host, port), timeout)
        return self._context.wrap_socket(made, server_hostname=host) if self._context else made


def _connect(settings: Settings, patience: Patience) -> smtplib.SMTP:
    """Return a session that is encrypted and logged in as configured."""
    host, _ = settings.mail_address
    context = _tls(settings.mail_ca)
    server = _Session(settings, patience, context if settings.mail_security == "tls" else None)
    try:
        if settings.mail_security == "starttls":
            server.starttls(context=context)
        if settings.mail_user:
            if settings.mail_security == "none" and host not in _LOOPBACK:
                raise ValueError("the password is not sent without TLS")  # noqa: TRY301  # one way out
            server.login(settings.mail_user, settings.mail_password)
    except BaseException:
        server.close()
        raise
    return server


def _tls(authorities: str) -> ssl.SSLContext:
    """Return a context that verifies the chain and the name."""
    context = ssl.create_default_context()
    if authorities:
        context.load_verify_locations(cafile=authorities)
    return context


def _address(recipient: str) -> str:
    """Return the bare address of `Name <address>`."""
    _, bracket, rest = recipient.rpartition("<")
    return rest.partition(">")[0] if bracket else recipient


def _judge(settings: Settings, error: smtplib.SMTPException) -> Outcome:
    """Tell whether it is this mail that the server will not have."""
    reason = _reason(settings, error)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [int(code) for code, _ in error.recipients.values()]
        return refused(reason) if min(codes) >= PERMANENT else later(reason)
    if isinstance(error, smtplib.SMTPDataError):
        return refused(reason) if error.smtp_code >= PERMANENT else later(reason)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return refused(reason)  # an address or text that this server has no extension for
    return down(reason)


def _leave(server: smtplib.SMTP) -> None:
    try:
        server.quit()
    except (OSError, smtplib.SMTPException):
        server.close()


def _reason(settings: Settings, error: BaseException) -> str:
    host, port = settings.mail_address
    if isinstance(error, ssl.SSLCertVerificationError):
        text = f"certificate not accepted: {error.verify_message}"
    elif isinstance(error, OSError) and error.errno:
        text = os.strerror(error.errno)
    else:
        text = str(error) or type(error).__name__
    return f"mail server {host}:{port}: {clean(text, 300)}"
