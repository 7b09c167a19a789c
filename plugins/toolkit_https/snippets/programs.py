"""Verified HTTPS requests by programs: curl, wget, and Perl's LWP."""

from __future__ import annotations

from toolkit_https.snippets.model import Line, Snippet, Trust
from toolkit_https.snippets.python import CA_AS_SERVER, OPENSSL

_FILE = "trusts the authorities of this file alone"

CURL = Snippet(
    "curl", "sh",
    (
        Line("curl -q \\", "-q first: a -k in ~/.curlrc would count"),
        Line("  --fail --silent --show-error \\", "an error page is no answer"),
        Line("  --proto '=https' \\", "nothing but https, after a redirect (-L) too"),
        Line("  --tlsv1.2 \\", "older versions are deprecated (RFC 8996)"),
        Line("  --max-time 30 \\", "without one it waits for ever"),
        Line("  --cacert $ca \\", _FILE, Trust.CA),
        Line("  $url"),
    ),
    leaves=OPENSSL | {
        "cn-only": "curl takes a name in the common name if there is no alternative name",
        "ip-in-cn": "curl takes an address in the common name if there is no alternative name",
        "no-authority-key-id": "curl does not ask OpenSSL to be strict",
    },
)  # fmt: skip
WGET = Snippet(
    "wget", "sh",
    (
        Line("wget --no-config \\", "a check_certificate=off in ~/.wgetrc would count"),
        Line("  --quiet --output-document=- \\"),
        Line("  --max-redirect=0 \\", "a redirect may lead to plain http"),
        Line("  --ciphers=NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%PROFILE_MEDIUM \\",
             "GnuTLS: TLS 1.2 and newer, RSA from 2048 bits (gnutls.org, priority strings)"),
        Line("  --timeout=30 --tries=1 \\", "without them it waits 15 minutes, 20 times"),
        Line("  --ca-certificate=$ca \\", "trusts the authorities of this file, beside the "
             "system's", Trust.CA),
        Line("  $url"),
    ),
    leaves={
        "cn-only": "GnuTLS takes a name in the common name if there is no alternative name",
        "no-authority-key-id": "GnuTLS does not ask for one",
        "leaf-is-a-ca": CA_AS_SERVER.replace("OpenSSL", "GnuTLS"),
        "client-auth-eku": "wget does not ask GnuTLS for the purpose of a certificate",
        "code-signing-eku": "wget does not ask GnuTLS for the purpose of a certificate",
        "issuer-eku": "wget does not ask GnuTLS for the purpose of an authority",
    },
    note="For wget with GnuTLS, as Debian's is (wget --version says which). wget adds the "
    "authorities of --ca-certificate to the system's: where only yours may answer, use curl.",
)  # fmt: skip
LWP = Snippet(
    "lwp", "perl",
    (
        Line("use strict; use warnings;"),
        Line("use LWP::UserAgent;"),
        Line("my $$ua = LWP::UserAgent->new("),
        Line("  timeout => 30,"),
        Line("  protocols_allowed => ['https'],", "nothing but https, after a redirect too"),
        Line("  ssl_opts => {"),
        Line("    verify_hostname => 1,",
             "verifies the name: the default, but a variable can switch it off"),
        Line("    SSL_verify_mode => 1,", "verifies the chain: VERIFY_PEER"),
        Line("    SSL_ca_file => $ca,", _FILE, Trust.CA),
        Line("    SSL_create_ctx_callback => sub {",
             "RFC 5280 to the letter; leave it out for an old authority"),
        Line("      my $$parameters = Net::SSLeay::CTX_get0_param($$_[0]);"),
        Line("      Net::SSLeay::X509_VERIFY_PARAM_set_flags("),
        Line("        $$parameters, Net::SSLeay::X509_V_FLAG_X509_STRICT());"),
        Line("    },"),
        Line("    SSL_verify_callback => sub {",
             "the name must be a subject alternative name, an asterisk its whole label (RFC 9525)"),
        Line("      my ($$ok, $$certificate, $$depth) = @_[0, 4, 5];"),
        Line("      my %kind = reverse Net::SSLeay::X509_get_subjectAltNames($$certificate);"),
        Line("      my @partial = grep { $$kind{$$_} == 2 && /[^.][*]|[*][^.]/ } keys %kind;"),
        Line("      return $$ok && ($$depth || (%kind && !@partial));"),
        Line("    },"),
        Line("  },"),
        Line(");"),
        Line("my $$answer = $$ua->get($url);"),
        Line("die $$answer->status_line, qq(\\n) unless $$answer->is_success;",
             "a refused certificate is an answer with status 500"),
    ),
    leaves=OPENSSL,
)  # fmt: skip
