"""Variables of the environment that switch verification off, in whatever language they are set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ANY = "any"


@dataclass(frozen=True, slots=True)
class Variable:
    """`off` are the values that switch verification off; ANY: every one that isn't empty."""

    off: frozenset[str] | str
    remedy: str


def _values(*values: str) -> frozenset[str]:
    return frozenset(values)


VARIABLES: Mapping[str, Variable] = {
    # PEP 493: Python 2.7 only, and ignored since
    "PYTHONHTTPSVERIFY": Variable(_values("0"), "remove it; SSL_CERT_FILE names an authority"),
    # node(1): "0" alone
    "NODE_TLS_REJECT_UNAUTHORIZED": Variable(_values("0"), "remove it; NODE_EXTRA_CA_CERTS=FILE"),
    # git(1), http.sslVerify in git-config(1): set at all
    "GIT_SSL_NO_VERIFY": Variable(ANY, "remove it; GIT_SSL_CAINFO=FILE"),
    # LWP::UserAgent(3pm)
    "PERL_LWP_SSL_VERIFY_HOSTNAME": Variable(_values("0"), "remove it; PERL_LWP_SSL_CA_FILE=FILE"),
    "NPM_CONFIG_STRICT_SSL": Variable(_values("false"), "remove it; npm_config_cafile=FILE"),
    "npm_config_strict_ssl": Variable(_values("false"), "remove it; npm_config_cafile=FILE"),
    # ldap.conf(5): TLS_REQCERT
    "LDAPTLS_REQCERT": Variable(_values("never", "allow"), "demand; LDAPTLS_CACERT=FILE"),
    # requests 2.28.0's changes: before it, an empty value switches verification off
    "CURL_CA_BUNDLE": Variable(_values(""), "remove it, or name a file"),
    "BUNDLE_SSL_VERIFY_MODE": Variable(_values("0"), "remove it; BUNDLE_SSL_CA_CERT=FILE"),
    "HELM_KUBEINSECURE_SKIP_TLS_VERIFY": Variable(_values("true"), "remove it; HELM_KUBECAFILE"),
    "VAULT_SKIP_VERIFY": Variable(_values("1", "true"), "remove it; VAULT_CACERT=FILE"),
    "CONSUL_HTTP_SSL_VERIFY": Variable(_values("false", "0"), "remove it; CONSUL_CACERT=FILE"),
    "PGSSLMODE": Variable(_values("allow"), "verify-full, and PGSSLROOTCERT=FILE"),
}


def switched_off(name: str, value: str) -> bool:
    """Tell whether the variable `name` with that value switches verification off."""
    variable = VARIABLES.get(name)
    if variable is None:
        return False
    if isinstance(variable.off, str):
        return bool(value)
    return value.strip().lower() in variable.off
