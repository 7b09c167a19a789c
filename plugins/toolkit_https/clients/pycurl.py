"""pycurl, libcurl for Python: two options decide, and each alone is not enough.

SSL_VERIFYPEER is the chain, SSL_VERIFYHOST (2) the name: CURLOPT_SSL_VERIFYHOST(3).
"""

from __future__ import annotations

from toolkit_https.clients.kinds import Script

_SOURCE = """
import os, pycurl, sys
nowhere = open(os.devnull, "wb")
curl = pycurl.Curl()
curl.setopt(pycurl.URL, sys.argv[1])
curl.setopt(pycurl.CAINFO, sys.argv[2])
curl.setopt(pycurl.WRITEDATA, nowhere)
curl.setopt(pycurl.NOPROXY, "*")
curl.setopt(pycurl.TIMEOUT, 20)
{}curl.perform()
"""


def _set(peer: int | None, host: int | None) -> str:
    lines = [
        f"curl.setopt(pycurl.SSL_VERIFY{option}, {value})\n"
        for option, value in (("PEER", peer), ("HOST", host))
        if value is not None
    ]
    return _SOURCE.format("".join(lines))


def _sources(_told: str) -> tuple[tuple[str, str, bool], ...]:
    return (
        ("pycurl", _set(None, None), False),
        ("pycurl VERIFYHOST=1", _set(None, 1), True),
        ("pycurl VERIFYHOST=2", _set(None, 2), False),
        ("pycurl VERIFYHOST=0", _set(None, 0), True),
        ("pycurl VERIFYPEER=0 VERIFYHOST=2", _set(0, 2), True),
    )


client = Script(
    name="pycurl",
    module="pycurl",
    probe="' '.join(pycurl.version.split()[:3])",
    sources=_sources,
    remedy="{python} -m pip install pycurl",
)
