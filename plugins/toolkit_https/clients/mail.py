"""STARTTLS in Python's standard library, which without a context verifies nothing.

https://docs.python.org/3/library/ssl.html#ssl-security
"""

from __future__ import annotations

from toolkit_https.clients.kinds import Script

_BEGIN = """
import {module}, ssl, sys
host, _, port = sys.argv[1].split("//", 1)[1].rstrip("/").rpartition(":")
host = host.strip("[]")
context = ssl.create_default_context(cafile=sys.argv[2])
"""


def _client(module: str, scheme: str, source: str, argument: str, call: str) -> Script:
    """Make a client of `source`, in which {argument} hands over the context, or doesn't."""

    def sources(_told: str) -> tuple[tuple[str, str, bool], ...]:
        begin = _BEGIN.format(module=module)
        return (
            (module, begin + source.format(argument=f"{argument}=context"), False),
            (f"{module} {call}", begin + source.format(argument=""), True),
        )

    return Script(
        name=module,
        module=f"{module}, platform",
        probe="'Python ' + platform.python_version()",
        sources=sources,
        remedy="name an interpreter with ssl: --python PATH",
        scheme=scheme,
    )


SMTPLIB = _client(
    "smtplib",
    "smtp",
    """
server = smtplib.SMTP(host, int(port), timeout=20)
server.starttls({argument})
server.ehlo()
""",
    "context",
    "starttls() without context",
)
IMAPLIB = _client(
    "imaplib",
    "imap",
    """
server = imaplib.IMAP4(host, int(port))
server.starttls({argument})
server.noop()
""",
    "ssl_context",
    "starttls() without ssl_context",
)
POPLIB = _client(
    "poplib",
    "pop3",
    """
server = poplib.POP3(host, int(port), timeout=20)
server.stls({argument})
server.noop()
""",
    "context",
    "stls() without context",
)
FTPLIB = _client(
    "ftplib",
    "ftp",
    """
server = ftplib.FTP_TLS({argument})
server.connect(host, int(port), timeout=20)
server.auth()
server.prot_p()
""",
    "context",
    "FTP_TLS() without context",
)
