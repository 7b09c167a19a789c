"""Verified STARTTLS in Python's standard library, which without a context verifies nothing.

https://docs.python.org/3/library/ssl.html#ssl-security
"""

from __future__ import annotations

from toolkit_https.snippets.model import Line, Snippet
from toolkit_https.snippets.python import CONTEXT, OPENSSL

_NO_IMAP = "without ssl_context= it verifies nothing; it raises if the server has no STARTTLS"
_STARTS = "without context= it verifies nothing; it raises if the server has no STARTTLS"

SMTPLIB = Snippet(
    "smtplib", "python",
    (
        Line("import smtplib"),
        Line("import ssl"),
        *CONTEXT,
        Line("with smtplib.SMTP($host, $port, timeout=30) as server:"),
        Line("    server.starttls(context=context)", _STARTS),
        Line("    server.ehlo()", "from here on it is encrypted and verified: log in, send"),
    ),
    scheme="smtp",
    leaves=OPENSSL,
    note="For port 465: smtplib.SMTP_SSL(host, 465, context=context), and no starttls().",
)  # fmt: skip
IMAPLIB = Snippet(
    "imaplib", "python",
    (
        Line("import imaplib"),
        Line("import ssl"),
        *CONTEXT,
        Line("with imaplib.IMAP4($host, $port, timeout=30) as server:"),
        Line("    server.starttls(ssl_context=context)", _NO_IMAP),
        Line("    server.noop()", "from here on it is encrypted and verified: log in, read"),
    ),
    scheme="imap",
    leaves=OPENSSL,
    note="For port 993: imaplib.IMAP4_SSL(host, 993, ssl_context=context), and no starttls().",
)  # fmt: skip
POPLIB = Snippet(
    "poplib", "python",
    (
        Line("import poplib"),
        Line("import ssl"),
        Line("from contextlib import closing"),
        *CONTEXT,
        Line("with closing(poplib.POP3($host, $port, timeout=30)) as server:"),
        Line("    server.stls(context=context)", _STARTS.replace("STARTTLS", "STLS")),
        Line("    server.noop()", "from here on it is encrypted and verified: log in, read"),
    ),
    scheme="pop3",
    leaves=OPENSSL,
    note="For port 995: poplib.POP3_SSL(host, 995, context=context), and no stls().",
)  # fmt: skip
FTPLIB = Snippet(
    "ftplib", "python",
    (
        Line("import ftplib"),
        Line("import ssl"),
        *CONTEXT,
        Line("with ftplib.FTP_TLS(context=context, timeout=30) as server:",
             "without context= it verifies nothing"),
        Line("    server.connect($host, $port)"),
        Line("    server.auth()", "TLS for what is said; it raises if the server has none"),
        Line("    server.prot_p()", "and for the files: without it they go in plain text"),
    ),
    scheme="ftp",
    leaves=OPENSSL,
    note="Log in after prot_p(): server.login(user, password).",
)  # fmt: skip
