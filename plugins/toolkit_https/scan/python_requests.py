"""HTTP libraries told not to verify: arguments of calls, and attributes of sessions."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from toolkit_https.scan.model import Hit, words_of
from toolkit_https.scan.reading import Site, keywords

VERBS = words_of("get post put patch delete head options request send stream ws_connect urlopen")
SESSIONS = words_of(
    "Session AsyncSession Client AsyncClient HTTPTransport AsyncHTTPTransport "
                     "HTTPSConnectionPool PoolManager create_ssl_context"
)  # fmt: skip
VERIFYING = words_of(
    "requests httpx niquests curl_cffi cloudscraper requests_cache requests_futures requests_html "
    "requests_oauthlib requests_toolbelt boto3 botocore hvac consul msal"
)
"""Libraries whose `verify` is what it is in requests."""
FALSE, TRUE = False, True
OFF: Mapping[str, tuple[bool, str]] = {
    "verify_ssl": (FALSE, "verification-off"),  # aiohttp, influxdb, kubernetes, proxmoxer
    "ssl_verify": (FALSE, "verification-off"),  # python-gitlab, pykube
    "verify_certs": (FALSE, "verification-off"),  # elasticsearch, opensearch-py
    "validate_certs": (FALSE, "verification-off"),  # aiosmtplib, tornado (validate_cert)
    "validate_cert": (FALSE, "verification-off"),
    "verify_ssl_certs": (FALSE, "verification-off"),  # stripe
    "disable_ssl_certificate_validation": (TRUE, "verification-off"),  # httplib2
    "insecure_skip_verify": (TRUE, "verification-off"),
    "tlsInsecure": (TRUE, "verification-off"),  # pymongo
    "tlsAllowInvalidCertificates": (TRUE, "verification-off"),
    "tlsAllowInvalidHostnames": (TRUE, "hostname-check-off"),
    "check_hostname": (FALSE, "hostname-check-off"),
    "ssl_check_hostname": (FALSE, "hostname-check-off"),  # redis
    "assert_hostname": (FALSE, "hostname-check-off"),  # urllib3
}
"""Keyword or attribute → the value that switches verification off, and the rule."""
PYCURL: Mapping[str, str] = {
    "SSL_VERIFYPEER": "verification-off",
    "SSL_VERIFYHOST": "hostname-check-off",
    "PROXY_SSL_VERIFYPEER": "verification-off",
    "PROXY_SSL_VERIFYHOST": "hostname-check-off",
}
_BY_DEFAULT = "verification-off-by-default"


def calls(site: Site) -> Iterator[Hit]:
    """Find calls that are told not to verify."""
    call = site.node
    if not isinstance(call, ast.Call):
        return
    path, name = site.path(call.func), _name(call.func)
    for word, value in keywords(site, call).items():
        if _is_verify(word, site, call, path, name):
            yield from _switched(site, value, FALSE, f"{word}={{}}", "verification-off")
        elif word in OFF:
            yield from _switched(site, value, OFF[word][0], f"{word}={{}}", OFF[word][1])
    if name == "setopt":
        yield from _setopt(site, call)
    elif name == "tls_insecure_set" and call.args:  # paho-mqtt
        yield from _switched(site, call.args[0], TRUE, f"{name}({{}})", "hostname-check-off")
    elif name == "set_option" and path.endswith("set_option"):
        yield from _ldap(site, call)


def _is_verify(word: str, site: Site, call: ast.Call, path: str, name: str) -> bool:
    if word == "ssl":
        return "aiohttp" in site.module.imports and (name in VERBS or name == "TCPConnector")
    if word != "verify":
        return False
    root = path.partition(".")[0]
    if path == "functools.partial" and call.args:
        root = site.path(call.args[0]).partition(".")[0]
    return root in VERIFYING or name in VERBS or name in SESSIONS


def _switched(site: Site, value: ast.expr, off: bool, text: str, rule: str) -> Iterator[Hit]:  # noqa: FBT001  it is the value that is looked for
    known = site.constant(value)
    if known is None or not isinstance(known.value, (bool, int)) or bool(known.value) is not off:
        return
    said = text.format(known.value)
    if known.by_default:
        message = f"{said} unless the caller says otherwise"
        yield site.hit(_BY_DEFAULT if rule == "verification-off" else rule, message, value)
    else:
        yield site.hit(rule, said, value)


def _setopt(site: Site, call: ast.Call) -> Iterator[Hit]:
    if len(call.args) != len(("option", "value")):
        return
    option, value = call.args
    name = site.path(option).rpartition(".")[2] or _name(option)
    if name in PYCURL and site.off(value):
        remedy = (
            f"leave it out, or set it to {2 if name.endswith('HOST') else 1}; CAINFO names a CA"
        )
        yield site.hit(PYCURL[name], f"pycurl {name} 0", call, remedy)


def _ldap(site: Site, call: ast.Call) -> Iterator[Hit]:
    values = [_name(argument) for argument in call.args]
    if values[:1] == ["OPT_X_TLS_REQUIRE_CERT"] and values[1:] in (
        ["OPT_X_TLS_NEVER"],
        ["OPT_X_TLS_ALLOW"],
    ):
        remedy = "ldap.OPT_X_TLS_DEMAND, and OPT_X_TLS_CACERTFILE for an authority of your own"
        yield site.hit("verification-off", f"python-ldap {values[1]}", call, remedy)


def stores(site: Site) -> Iterator[Hit]:
    """Find attributes and entries that are set so: session.verify = False, kwargs["verify"]."""
    match site.node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _store(site, target, value)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield from _store(site, target, value)
        case ast.Call(
            func=ast.Name(id="setattr"), args=[what, ast.Constant(value=str(name)), value]
        ):
            yield from _attribute(site, what, name, value)
        case _:
            pass


def _store(site: Site, target: ast.expr, value: ast.expr) -> Iterator[Hit]:
    match target:
        case ast.Attribute(value=what, attr=name):
            yield from _attribute(site, what, name, value)
        case ast.Subscript(slice=ast.Constant(value="verify")) if _http(site):
            yield from _switched(site, value, FALSE, '["verify"] = {}', "verification-off")
        case _:
            pass


def _attribute(site: Site, what: ast.expr, name: str, value: ast.expr) -> Iterator[Hit]:
    if name == "verify" and _is_session(site, what):
        yield from _switched(site, value, FALSE, ".verify = {}", "verification-off")
    elif name in OFF and name != "check_hostname":  # that one is a context's: see python_ssl
        yield from _switched(site, value, OFF[name][0], f".{name} = {{}}", OFF[name][1])


def _http(site: Site) -> bool:
    return bool(VERIFYING & site.module.imports)


def _is_session(site: Site, what: ast.expr) -> bool:
    """Tell whether `verify` of this object is a session's: an object's own is anything."""
    if isinstance(what, ast.Name) and what.id in {"self", "cls"}:
        owner = site.scope.owner()
        bases = (
            [path_base for base in owner.bases if (path_base := site.path(base))] if owner else []
        )
        return any(base.partition(".")[0] in VERIFYING for base in bases)
    root = site.path(what).partition(".")[0]
    return root in VERIFYING or (not root and _http(site))


def silenced(site: Site) -> Iterator[Hit]:
    """Find the warnings of unverified requests silenced."""
    call = site.node
    if not isinstance(call, ast.Call):
        return
    name = _name(call.func)
    if name == "disable_warnings" and site.path(call.func).partition(".")[0] in {"urllib3", ""}:
        yield site.hit("warnings-silenced", "urllib3.disable_warnings()", call)
    elif name in {"filterwarnings", "simplefilter"}:
        words = [*call.args, *(item.value for item in call.keywords)]
        if any(_name(word) == "InsecureRequestWarning" for word in words):
            yield site.hit("warnings-silenced", f"warnings.{name}(…, InsecureRequestWarning)", call)


def _name(node: ast.expr) -> str:
    """Return the last part of a name: "get" of session.get."""
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            pass
    return ""
