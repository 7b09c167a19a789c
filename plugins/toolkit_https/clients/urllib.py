"""Python's own urllib.request, urllib2 in Python 2.7: any interpreter's, by `--python PATH`."""

from __future__ import annotations

from toolkit_https.clients.kinds import Script

_IMPORT = """
import ssl, sys
try:
    from urllib.request import ProxyHandler, HTTPSHandler, build_opener
except ImportError:
    from urllib2 import ProxyHandler, HTTPSHandler, build_opener
"""
_OPEN = """
build_opener(ProxyHandler({}), HTTPSHandler(context=context)).open(sys.argv[1], timeout=20).read()
"""
_VERIFYING = f"{_IMPORT}context = ssl.create_default_context(cafile=sys.argv[2]){_OPEN}"
_UNVERIFIED = f"{_IMPORT}context = ssl._create_unverified_context(){_OPEN}"
_WRAPPED = """
import socket, ssl, sys
host, _, port = sys.argv[1][len("https://"):].rstrip("/").rpartition(":")
plain = socket.create_connection((host.strip("[]"), int(port)), 20)
connection = ssl.wrap_socket(plain)
connection.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
sys.exit(not connection.recv(4096))
"""
WRAP_SOCKET = "wrap_socket"
"""ssl.wrap_socket was removed in Python 3.12."""


def _sources(told: str) -> tuple[tuple[str, str, bool], ...]:
    found = [
        ("urllib", _VERIFYING, False),
        ("urllib with ssl._create_unverified_context", _UNVERIFIED, True),
    ]
    if told.endswith(WRAP_SOCKET):
        found.append(("ssl.wrap_socket", _WRAPPED, True))
    return tuple(found)


client = Script(
    name="urllib",
    module="ssl, platform",
    probe="'Python %s, %s' % (platform.python_version(), ssl.OPENSSL_VERSION)"
    f" + ('\\n{WRAP_SOCKET}' if hasattr(ssl, 'wrap_socket') else '')",
    sources=_sources,
    remedy="name an interpreter with ssl: --python PATH",
)
