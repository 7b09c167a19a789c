"""The verifier of the Python library cryptography, behind a handshake of pyOpenSSL's.

Nobody's HTTP client yet, but the second opinion of `toolkit https check`.
"""

from __future__ import annotations

from toolkit_https.clients.kinds import Script

_SOURCE = """
import datetime, ipaddress, socket, sys
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store
from OpenSSL import SSL

name, _, port = sys.argv[1][len("https://"):].rstrip("/").rpartition(":")
name = name.strip("[]")
try:
    subject = x509.IPAddress(ipaddress.ip_address(name))
except ValueError:
    subject = x509.DNSName(name)
roots = x509.load_pem_x509_certificates(open(sys.argv[2], "rb").read())
plain = socket.create_connection((name, int(port)), 20)
plain.settimeout(None)
connection = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), plain)
connection.set_tlsext_host_name(name.encode())
connection.set_connect_state()
connection.do_handshake()
leaf, *rest = connection.get_peer_cert_chain(as_cryptography=True)
verifier = PolicyBuilder().store(Store(roots)).build_server_verifier(subject)
verifier.verify(leaf, rest)
connection.sendall(b"GET / HTTP/1.0\\r\\nHost: trial\\r\\n\\r\\n")
connection.recv(4096)
"""


def _sources(_told: str) -> tuple[tuple[str, str, bool], ...]:
    return (("cryptography's verifier", _SOURCE, False),)


client = Script(
    name="cryptography",
    module="cryptography, OpenSSL",
    probe="cryptography.__version__",
    sources=_sources,
    remedy="{python} -m pip install cryptography pyOpenSSL",
)
