"""requests, the library whose verdict `toolkit https check` gives."""

from __future__ import annotations

from toolkit_https.clients.kinds import Script

_VERIFYING = """
import requests, sys
requests.get(sys.argv[1], verify=sys.argv[2], timeout=20).raise_for_status()
"""
_TRUSTSTORE = f"""
import truststore
truststore.inject_into_ssl()
{_VERIFYING}"""
_UNVERIFIED = """
import requests, sys, urllib3
urllib3.disable_warnings()
requests.get(sys.argv[1], verify=False, timeout=20).raise_for_status()
"""


def _sources(told: str) -> tuple[tuple[str, str, bool], ...]:
    found = [("requests", _VERIFYING, False), ("requests verify=False", _UNVERIFIED, True)]
    if "truststore" in told:
        found.insert(1, ("requests with truststore", _TRUSTSTORE, False))
    return tuple(found)


client = Script(
    name="requests",
    module="requests, importlib.util",
    probe="requests.__version__ + ('\\ntruststore' if importlib.util.find_spec('truststore')"
    " else '')",
    sources=_sources,
    remedy="{python} -m pip install requests",
)
