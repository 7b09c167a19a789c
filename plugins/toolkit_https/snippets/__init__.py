"""The shortest verified code for each client, with what each line is for.

Every snippet is run by the tests against every trap of the laboratory; what it accepts all the
same is in its `leaves`, and is told with it.
"""

from __future__ import annotations

from collections.abc import Mapping

from toolkit_https.snippets import mail, programs, python
from toolkit_https.snippets.model import Place, Snippet, Step, Written, written

_ALL = (
    python.REQUESTS, python.URLLIB, python.PYCURL, python.HTTPX, python.AIOHTTP,
    programs.CURL, programs.WGET, programs.LWP,
    mail.SMTPLIB, mail.IMAPLIB, mail.POPLIB, mail.FTPLIB,
)  # fmt: skip
SNIPPETS: Mapping[str, Snippet] = {snippet.client: snippet for snippet in _ALL}
"""Client → its snippet."""

__all__ = ["SNIPPETS", "Place", "Snippet", "Step", "Written", "written"]
