"""Programs whose options switch verification off: what each is told, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

VERSION = re.compile(r"(?<=[a-z])[0-9.]+(\.exe)?$|\.exe$")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a command without its quotes, and where it begins (from 1)."""

    text: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The word that switches verification off; `rule` is one of `rules.RULES`."""

    word: Word
    message: str
    remedy: str
    rule: str = "command-insecure"


Reader = Callable[[str, Sequence[Word]], Iterator[Word]]


@dataclass(frozen=True, slots=True)
class Program:
    """How a program's words are read, and the remedy."""

    reader: Reader
    remedy: str


CURL_VALUED = frozenset("AbcCdDeEFHhKmoPQrtTuUwxXYyz")
"""Short options of curl(1) that take a value: the rest of the word, or the next one."""
SHORTEST_INSECURE = "--insec"  # curl(1): "--in" is not enough, but unambiguous beginnings are


def _curl(_name: str, words: Sequence[Word]) -> Iterator[Word]:
    """-k, alone or in a bundle (-fsSLk); what an option takes as its value is none."""
    value_follows = False
    for word in words:
        if value_follows:
            value_follows = False
            continue
        if word.text.startswith("--"):
            begun = word.text.startswith(SHORTEST_INSECURE) and "--insecure".startswith(word.text)
            if begun or word.text in {"--proxy-insecure", "--doh-insecure"}:
                yield word
        elif word.text.startswith("-"):
            flags, value_follows = _bundle(word.text[1:])
            if "k" in flags:
                yield word


def _bundle(text: str) -> tuple[str, bool]:
    """Return the flags of a bundle, and whether the next word is the last one's value."""
    for at, flag in enumerate(text):
        if flag in CURL_VALUED:
            return text[:at], at == len(text) - 1
    return text, False


def _options(*patterns: str) -> Reader:
    """Return a reader that finds words, or two words with a blank between, by whole patterns."""
    wanted = re.compile("|".join(patterns), re.IGNORECASE)

    def read(_name: str, words: Sequence[Word]) -> Iterator[Word]:
        for at, word in enumerate(words):
            if word.text == "--":
                return
            following = words[at + 1].text if at + 1 < len(words) else ""
            if wanted.fullmatch(word.text) or wanted.fullmatch(f"{word.text} {following}"):
                yield word

    return read


_FALSE = "(false|no|off|0)"
_SKIP_TLS = "--insecure-skip-tls-verify(=true)?"
_TLS_VERIFY = f"--(src-|dest-)?tls-verify={_FALSE}"
_OWN_CA = "leave it out; for an authority of your own: "
PROGRAMS: Mapping[str, Program] = {
    "curl": Program(_curl, f"{_OWN_CA}--cacert FILE"),
    "wget": Program(
        _options("--no-check-cert(i(f(i(c(a(te?)?)?)?)?)?)?",
                 f"(-e|--execute)[ =]?check_?certificate *= *{_FALSE}"),
        f"{_OWN_CA}--ca-certificate=FILE"),
    "wget2": Program(_options("--no-check-certificate", "--no-check-hostname"),
                     f"{_OWN_CA}--ca-certificate=FILE"),
    "http": Program(_options(f"--verify[= ]{_FALSE}"), f"{_OWN_CA}--verify=FILE"),
    "https": Program(_options(f"--verify[= ]{_FALSE}"), f"{_OWN_CA}--verify=FILE"),
    "xh": Program(_options(f"--verify[= ]{_FALSE}"), f"{_OWN_CA}--verify=FILE"),
    "xhs": Program(_options(f"--verify[= ]{_FALSE}"), f"{_OWN_CA}--verify=FILE"),
    "git": Program(_options(f"http\\.(.*\\.)?sslVerify[= ]{_FALSE}"),
                   f"{_OWN_CA}git config http.sslCAInfo FILE"),
    "npm": Program(_options(f"--strict-ssl[= ]{_FALSE}", "--no-strict-ssl",
                            f"strict-ssl[= ]{_FALSE}"), f"{_OWN_CA}npm config set cafile FILE"),
    "yarn": Program(_options(f"strict-ssl[= ]{_FALSE}", f"enableStrictSsl {_FALSE}"),
                    f"{_OWN_CA}yarn config set cafile FILE"),
    "pip": Program(_options("--trusted-host(=.*)?"), f"{_OWN_CA}--cert FILE"),
    "aws": Program(_options("--no-verify-ssl"), f"{_OWN_CA}--ca-bundle FILE"),
    "kubectl": Program(_options(_SKIP_TLS), f"{_OWN_CA}--certificate-authority=FILE"),
    "oc": Program(_options(_SKIP_TLS), f"{_OWN_CA}--certificate-authority=FILE"),
    "helm": Program(_options(_SKIP_TLS, "--kube-insecure-skip-tls-verify(=true)?"),
                    f"{_OWN_CA}--ca-file FILE"),
    "argocd": Program(_options("--insecure(=true)?"), f"{_OWN_CA}--server-crt FILE"),
    "podman": Program(_options(_TLS_VERIFY), f"{_OWN_CA}/etc/containers/certs.d/HOST"),
    "buildah": Program(_options(_TLS_VERIFY), f"{_OWN_CA}/etc/containers/certs.d/HOST"),
    "skopeo": Program(_options(_TLS_VERIFY), f"{_OWN_CA}/etc/containers/certs.d/HOST"),
    "gnutls-cli": Program(_options("--insecure", "--no-ca-verification"),
                          f"{_OWN_CA}--x509cafile FILE"),
    "aria2c": Program(_options(f"--check-certificate={_FALSE}"), f"{_OWN_CA}--ca-certificate=FILE"),
    "svn": Program(_options("--trust-server-cert(-failures=.*)?"),
                   f"{_OWN_CA}ssl-authority-files in ~/.subversion/servers"),
    "apt": Program(_options(f"(-o )?Acquire::https::(.*::)?Verify-(Peer|Host)={_FALSE}"),
                   f"{_OWN_CA}Acquire::https::CaInfo"),
    "lftp": Program(_options(f".*ssl:verify-certificate(/\\S+)?[ =]+{_FALSE}.*"),
                    f"{_OWN_CA}set ssl:ca-file FILE"),
    "openssl": Program(lambda _name, _words: iter(()), ""),
}  # fmt: skip
_ALIASES = {"apt-get": "apt", "pip3": "pip", "curlie": "curl"}


def program_of(text: str) -> str:
    """Return the program that a command's first word names, without folder, version and .exe."""
    name = re.split(r"[/\\]", text)[-1]
    name = _ALIASES.get(name, name)
    return name if name in PROGRAMS else VERSION.sub("", name)


def verdict(words: Sequence[Word]) -> Iterator[Verdict]:
    """Yield what a command's words switch off; the first word is the program."""
    name = program_of(words[0].text)
    if name == "openssl":
        yield from _openssl(words)
        return
    program = PROGRAMS[name]
    for word in program.reader(name, words[1:]):
        yield Verdict(word, f"{name} {word.text}", program.remedy)


def _openssl(words: Sequence[Word]) -> Iterator[Verdict]:
    texts = {word.text for word in words}
    if [word.text for word in words[1:2]] != ["s_client"]:
        return
    missing = [
        option
        for option in ("-verify_return_error", "-verify_hostname")
        if option not in texts and not (option == "-verify_hostname" and texts & _NAMED)
    ]
    if missing:
        message = f"openssl s_client without {' and '.join(missing)}"
        yield Verdict(words[0], message, "", "command-unverified")


_NAMED = {"-verify_ip", "-verify_email"}
