"""httpx. Redirects are not followed unless asked for; that is its default."""

from __future__ import annotations

from toolkit_https.clients.kinds import Script

_VERIFYING = """
import httpx, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
httpx.get(sys.argv[1], verify=context, timeout=20, trust_env=False)
"""
_UNVERIFIED = """
import httpx, sys
httpx.get(sys.argv[1], verify=False, timeout=20, trust_env=False)
"""


def _sources(_told: str) -> tuple[tuple[str, str, bool], ...]:
    return (("httpx", _VERIFYING, False), ("httpx verify=False", _UNVERIFIED, True))


client = Script(
    name="httpx",
    module="httpx",
    probe="httpx.__version__",
    sources=_sources,
    remedy="{python} -m pip install httpx",
)
