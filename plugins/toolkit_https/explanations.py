"""What each finding means at length: who refuses, and the lines that mend it on common servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from toolkit_https.registry import REGISTRY, Kind

SERVERS = ("nginx", "Apache", "HAProxy")


@dataclass(frozen=True, slots=True)
class Explanation:
    """One finding explained: who refuses, why it happens, and commands by server."""

    id: str
    kind: Kind
    clients: str
    cause: str
    fixes: Mapping[str, str]


CERTIFICATE = {
    "nginx": "ssl_certificate /etc/ssl/shop/fullchain.pem; ssl_certificate_key /etc/ssl/shop/key.pem;"
    "  # then: nginx -t && systemctl reload nginx",
    "Apache": "SSLCertificateFile /etc/ssl/shop/fullchain.pem (with SSLCertificateKeyFile)"
    "  # then: apachectl configtest && systemctl reload apache2",
    "HAProxy": "bind :443 ssl crt /etc/ssl/shop/all.pem  # fullchain and key in one file;"
    " then: haproxy -c -f /etc/haproxy/haproxy.cfg && systemctl reload haproxy",
}
PROTOCOLS = {
    "nginx": "ssl_protocols TLSv1.2 TLSv1.3;",
    "Apache": "SSLProtocol -all +TLSv1.2 +TLSv1.3",
    "HAProxy": "ssl-default-bind-options ssl-min-ver TLSv1.2",
}
NAMES = {
    "nginx": "server_name shop.example;  # in the server block that has this certificate",
    "Apache": "ServerName shop.example  # in the VirtualHost that has this certificate",
    "HAProxy": "bind :443 ssl crt /etc/ssl/shop/ strict-sni  # one file for each name",
}
HSTS = {
    "nginx": 'add_header Strict-Transport-Security "max-age=31536000" always;',
    "Apache": 'Header always set Strict-Transport-Security "max-age=31536000"',
    "HAProxy": 'http-response set-header Strict-Transport-Security "max-age=31536000"',
}
REDIRECT = {
    "nginx": "return 301 https://$host$request_uri;",
    "Apache": "Redirect permanent / https://shop.example/",
    "HAProxy": "http-request redirect scheme https code 301 unless { ssl_fc }",
}
STARTTLS = {
    "Postfix": "smtpd_tls_security_level = may; smtpd_tls_chain_files = /etc/ssl/mx/key.pem, /etc/ssl/mx/fullchain.pem"
    "  # then: postfix reload",
    "Dovecot": "ssl = yes; ssl_cert = </etc/ssl/mx/fullchain.pem; ssl_key = </etc/ssl/mx/key.pem  # then: doveadm reload",
    "vsftpd": "ssl_enable=YES; rsa_cert_file=/etc/ssl/ftp/fullchain.pem; rsa_private_key_file=/etc/ssl/ftp/key.pem",
    "OpenLDAP": "TLSCertificateFile /etc/ssl/ldap/fullchain.pem; TLSCertificateKeyFile /etc/ssl/ldap/key.pem",
    "PostgreSQL": "ssl = on; ssl_cert_file = 'fullchain.pem'; ssl_key_file = 'key.pem'  # then: pg_ctl reload",
}
STAPLING = {
    "nginx": "ssl_stapling on; ssl_stapling_verify on; resolver 192.0.2.53;",
    "Apache": 'SSLUseStapling on; SSLStaplingCache "shmcb:/run/apache2/stapling(32768)"',
    "HAProxy": "ocsp-update on  # in a crt-list, HAProxy 2.8 or later",
}
ALL = "All of them: browsers, curl, requests, Java, Go."
STRICT = "Python 3.13 and later, Go and browsers in part; older OpenSSL clients accept it."

CLIENTS: Mapping[str, str] = {
    "no-subject-alt-name": "Browsers, requests, Go. curl and Python's urllib still take the common "
    "name.",
    "incomplete-chain": "curl, requests, Java, Go, and every program with OpenSSL or GnuTLS. Browsers "
    "often fetch or remember what is missing, so it works there and hides the fault.",
    "weak-key": "OpenSSL at security level 2 (Debian, Ubuntu), browsers. GnuTLS accepts RSA-1024.",
    "name-constraint": "OpenSSL, Go, browsers. GnuTLS doesn't look.",
    "protocol-too-old": "OpenSSL as distributions configure it, browsers. GnuTLS still speaks TLS 1.0.",
    "not-rfc5280": STRICT,
    "refused-by-newer-clients": STRICT,
    "verifiers-disagree": "It depends on whose verification a client uses: see the message.",
    "expires-soon": "Nobody yet. All of them on the day it ends.",
    "issuer-expires-first": "Nobody yet. All of them once that certificate ends, whatever the leaf says.",
    "profile-breach": "Few today; auditors and strict verifiers. A public authority would have to "
    "revoke the certificate.",
    "revoked": "Browsers, by lists of their own; curl, requests and Go don't ask. It will be replaced or abused.",
    "revocation-unknown": "Clients that insist (hard fail): few. Most go on without knowing.",
    "staple-missing": "Firefox. Others don't look at TLS Feature (RFC 7633).",
    "staple-unusable": "Firefox; others ignore the response.",
    "starttls-failed": "Clients that require TLS. Those that take it where offered (mail servers among each other) "
    "go on in plaintext, and nobody notices.",
    "old-protocol-accepted": "None, until a scanner or an auditor looks; PCI DSS forbids it.",
    "no-tls1.3": "None.",
    "refused-by-older-clients": "Python 3.12 and earlier, and OpenSSL without X509_V_FLAG_PARTIAL_CHAIN.",
    "accepted-by-other-clients": "Those that the message doesn't name.",
    "second-opinion-missing": "Nobody: one of the two verifiers had nothing to say.",
    "proxy-failed": "All that go through this proxy.",
    "no-hsts": "None: it is about a browser's first visit, which HSTS makes safe afterwards.",
}
CAUSES: Mapping[str, str] = {
    "expired": "Renewal failed, or succeeded and the server wasn't reloaded: compare the file's date "
    "(openssl x509 -enddate -noout -in FILE) with what is served.",
    "not-yet-valid": "A clock is wrong, or the certificate was made on a machine ahead in time.",
    "name-mismatch": "The server chose the certificate of another virtual host, mostly the default "
    "one, or the name was forgotten when it was issued (www and the bare domain are two).",
    "incomplete-chain": "The file with the server's certificate alone (cert.pem) was configured in place "
    "of the one with the intermediates (fullchain.pem).",
    "untrusted-root": "A company's own authority, a proxy that intercepts TLS, or a test certificate "
    "(such as a staging authority's) in production.",
    "self-signed": "A certificate made at installation (snakeoil) was never replaced.",
    "starttls-failed": "The server has no certificate configured, offers STARTTLS on another port "
    "(submission, 587), or a firewall (such as Cisco's SMTP fixup) takes the word out of its answer.",
    "proxy-failed": "The proxy doesn't allow CONNECT to this port, wants credentials, or can't resolve the name.",
    "revoked": "The key was exposed, or the certificate was replaced or issued by mistake: the reason is in the "
    "message.",
    "staple-unusable": "The server couldn't reach the responder and goes on with an old response.",
    "client-certificate-refused": "Its authority isn't in the server's list, it has expired, or it isn't for clients "
    "(extendedKeyUsage clientAuth).",
    "client-certificate-required": "The server authenticates its clients by certificate (mutual TLS).",
    "different-certificate": "Several servers answer under one address, and one wasn't renewed.",
    "verifiers-disagree": "The certificate breaks a rule that only one of the verifiers enforces, or "
    "has a kind of key that one of them doesn't take.",
}
FIXES: Mapping[str, Mapping[str, str]] = {
    **dict.fromkeys(
        ("expired", "incomplete-chain", "self-signed", "untrusted-root", "bad-signature",
         "expires-soon", "weak-key", "weak-signature", "issuer-expires-first"), CERTIFICATE),
    "protocol-too-old": PROTOCOLS,
    "old-protocol-accepted": PROTOCOLS,
    "no-tls1.3": PROTOCOLS,
    "starttls-failed": STARTTLS,
    "staple-missing": STAPLING,
    "staple-unusable": STAPLING,
    "revoked": CERTIFICATE,
    "name-mismatch": NAMES,
    "no-hsts": HSTS,
    "redirect-to-http": REDIRECT,
    "plain-http": {
        "nginx": "listen 443 ssl;",
        "Apache": "SSLEngine on  # and: a2enmod ssl",
        "HAProxy": "bind :443 ssl crt /etc/ssl/shop/all.pem",
    },
}  # fmt: skip


def explain(identifier: str) -> Explanation:
    """Return all that is known of a finding. Raises KeyError for an unknown one."""
    return Explanation(
        identifier,
        REGISTRY[identifier],
        CLIENTS.get(identifier, ALL),
        CAUSES.get(identifier, ""),
        FIXES.get(identifier, {}),
    )
