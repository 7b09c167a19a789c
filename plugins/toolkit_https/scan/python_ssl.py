"""The standard library's ssl, and what uses it without verification."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from toolkit_https.scan.model import Hit
from toolkit_https.scan.reading import Site, keywords
from toolkit_https.scan.scopes import Imported

UNVERIFIED = frozenset({"ssl._create_unverified_context", "ssl._create_stdlib_context"})
CERT_NONE = frozenset({"ssl.CERT_NONE", "ssl.VerifyMode.CERT_NONE"})
VERIFYING_PROTOCOLS = frozenset({"ssl.PROTOCOL_TLS_CLIENT", "ssl._SSLMethod.PROTOCOL_TLS_CLIENT"})
SERVER_WORDS = frozenset(
    {"ssl.PROTOCOL_TLS_SERVER", "ssl.Purpose.CLIENT_AUTH", "OpenSSL.SSL.TLS_SERVER_METHOD"}
)
REQUIREMENTS = frozenset({"cert_reqs", "ssl_cert_reqs", "verify_mode", "validate"})
"""Keywords and keys that take CERT_NONE: urllib3, redis, websocket-client, ldap3."""
CONSTRUCTORS: Mapping[str, tuple[str, int]] = {
    "smtplib.SMTP_SSL": ("context", 7),
    "imaplib.IMAP4_SSL": ("ssl_context", 4),
    "poplib.POP3_SSL": ("context", 5),
    "ftplib.FTP_TLS": ("context", 6),
    "nntplib.NNTP_SSL": ("ssl_context", 4),
}
"""Class → the keyword of its context, and its place among the arguments (up to Python 3.11)."""
METHODS: Mapping[str, tuple[tuple[str, str, int], ...]] = {
    "starttls": (
        ("smtplib", "context", 2),
        ("imaplib", "ssl_context", 0),
        ("nntplib", "context", 0),
    ),
    "stls": (("poplib", "context", 0),),
}
"""Method → the module it is of, the keyword and the place of its context."""


def contexts(site: Site) -> Iterator[Hit]:
    """Find contexts that verify nothing, where they are named or made."""
    node = site.node
    if isinstance(node, (ast.Attribute, ast.Name)) and isinstance(node.ctx, ast.Load):
        if _may_be_unverified(site, node) and (path := site.path(node)) in UNVERIFIED:
            yield site.hit("unverified-context", path + _for_all(site, node))
    elif isinstance(node, ast.Call):
        if site.path(node) in UNVERIFIED:  # getattr(ssl, "_create_unverified_context")
            yield site.hit("unverified-context", site.path(node))
        elif site.path(node.func) == "ssl.SSLContext" and not _settled(site, node):
            protocol = site.path(node.args[0]) if node.args else "no protocol"
            yield site.hit("bare-context", f"ssl.SSLContext with {protocol or 'its protocol'}")


def _may_be_unverified(site: Site, node: ast.Attribute | ast.Name) -> bool:
    """Tell whether it is worth following: the name itself, or one that an import binds."""
    if isinstance(node, ast.Attribute):
        return f"ssl.{node.attr}" in UNVERIFIED
    bindings, _ = site.scope.find(node.id)
    return any(isinstance(item, Imported) and item.path in UNVERIFIED for item in bindings)


def _for_all(site: Site, node: ast.expr) -> str:
    """Say so where it becomes the default of urllib in the whole process (PEP 476)."""
    everywhere = site.module.targets.get(id(node), "").endswith("_create_default_https_context")
    return ", for every urllib request of the process" if everywhere else ""


def _settled(site: Site, call: ast.Call) -> bool:
    """Tell whether a bare context verifies, is a server's, or is another rule's finding."""
    if any(site.path(word) in VERIFYING_PROTOCOLS | SERVER_WORDS for word in _words(call)):
        return True
    name = site.module.targets.get(id(call), "")
    stored = {attribute for attribute, _, _ in site.module.stores.get(name, ())}
    served = {"load_cert_chain", "load_dh_params"} & site.module.methods.get(name, set())
    return bool("verify_mode" in stored or served or name in site.module.servers)


def _words(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def modes(site: Site) -> Iterator[Hit]:
    """Find CERT_NONE given to something, and the host name check switched off."""
    match site.node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _mode(site, target, value)
        case ast.Call():
            for word, value in keywords(site, site.node).items():
                yield from _requirement(site, word, value)
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield from _requirement(site, key.value, value)
        case _:
            pass


def _mode(site: Site, target: ast.expr, value: ast.expr) -> Iterator[Hit]:
    match target:
        case ast.Attribute(value=what, attr="verify_mode") if _is_none(site, value):
            if not _of_server(site, what):
                yield site.hit("verify-mode-none", "verify_mode = CERT_NONE")
        case ast.Attribute(value=what, attr="check_hostname") if site.off(value):
            if not _of_server(site, what):
                yield site.hit("hostname-check-off", "check_hostname = False")
        case ast.Attribute(attr="cert_reqs") if _is_none(site, value):
            yield site.hit("verify-mode-none", "cert_reqs = CERT_NONE")
        case _:
            pass


def _requirement(site: Site, word: str, value: ast.expr) -> Iterator[Hit]:
    if word not in REQUIREMENTS:
        return
    known = site.constant(value)
    text = known.value if known and isinstance(known.value, str) else ""
    nothing = known is not None and known.value is None and word == "ssl_cert_reqs"
    if _is_none(site, value) or text.upper() in {"NONE", "CERT_NONE"} or nothing:
        yield site.hit("verify-mode-none", f"{word}={text or 'CERT_NONE'}", value)


def _is_none(site: Site, value: ast.expr) -> bool:
    return site.path(value) in CERT_NONE


def _of_server(site: Site, context: ast.expr) -> bool:
    """Tell whether a context is a server's: what it verifies of clients is another question."""
    if not isinstance(context, (ast.Name, ast.Attribute)):
        return False
    if ast.unparse(context) in site.module.servers:
        return True
    name = context.id if isinstance(context, ast.Name) else f"self.{context.attr}"
    bindings, where = site.scope.find(name)
    made = [Site(call, where, site.module) for call in bindings if isinstance(call, ast.Call)]
    return any(
        at.path(word) in SERVER_WORDS
        for at in made
        if isinstance(at.node, ast.Call)
        for word in _words(at.node)
    )


def wrapped(site: Site) -> Iterator[Hit]:
    """Find ssl.wrap_socket of a client."""
    call = site.node
    if not isinstance(call, ast.Call) or site.path(call.func) != "ssl.wrap_socket":
        return
    words = keywords(site, call)
    side = site.constant(words.get("server_side"))
    if side is None or not side.value:
        given = "with cert_reqs, but no name" if "cert_reqs" in words else "verifies nothing"
        yield site.hit("wrap-socket", f"ssl.wrap_socket: {given}")


def starttls(site: Site) -> Iterator[Hit]:
    """Find mail, news and file transfer over TLS without a context."""
    call = site.node
    if not isinstance(call, ast.Call) or id(call) in site.module.awaited:
        return  # what is awaited isn't the standard library's: aiosmtplib verifies
    path = site.path(call.func)
    if path in CONSTRUCTORS:
        yield from _without(site, call, path, *CONSTRUCTORS[path])
    elif path == "logging.handlers.SMTPHandler" and "secure" in keywords(site, call):
        message = "SMTPHandler(secure=…) calls starttls() without a context"
        yield site.hit("starttls-without-context", message, remedy="a handler of your own")
    elif isinstance(call.func, ast.Attribute) and call.func.attr in METHODS:
        root = path.partition(".")[0]
        for module, keyword, place in METHODS[call.func.attr]:
            if root == module or (not root and module in site.module.imports):
                yield from _without(site, call, f"{module}'s {call.func.attr}", keyword, place)
                return


def _without(site: Site, call: ast.Call, what: str, keyword: str, place: int) -> Iterator[Hit]:
    if any(isinstance(word, ast.Starred) for word in call.args) or len(call.args) > place:
        return
    words = keywords(site, call)
    open_ended = any(word.arg is None for word in call.keywords) and keyword not in words
    known = site.constant(words.get(keyword))
    nothing = known is not None and known.value is None
    if (keyword not in words and not open_ended) or nothing:
        remedy = f"{keyword}=ssl.create_default_context()"
        yield site.hit("starttls-without-context", f"{what}() without {keyword}", call, remedy)


def callbacks(site: Site) -> Iterator[Hit]:
    """Find pyOpenSSL told not to verify, or to take every certificate."""
    match site.node:
        case ast.Call(func=ast.Attribute(value=context, attr="set_verify"), args=[mode, *rest]):
            if _of_server(site, context):
                return
            if site.path(mode).endswith("SSL.VERIFY_NONE"):
                yield site.hit("verify-mode-none", "pyOpenSSL VERIFY_NONE", remedy="VERIFY_PEER")
            elif rest and isinstance(rest[0], ast.Lambda) and _always(site, rest[0].body):
                message = "a verify callback that accepts every certificate"
                yield site.hit("verification-off", message, rest[0], "return the last argument")
        case _:
            pass


def _always(site: Site, body: ast.expr) -> bool:
    known = site.constant(body)
    return known is not None and bool(known.value)
