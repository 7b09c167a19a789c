"""Secrets taken out, three ways: by name, by shape, and by value wherever it turns up again.

A value that stands under a secret's name (a form's `password`, a cookie, an Authorization header,
SECRET_KEY of the configuration) is replaced there, and also in every other text of the report:
in the exception's message, the path or a local variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus, unquote_plus

HIDDEN = "[redacted]"
SHORTEST = 5
"""Values shorter than this are replaced under their name only: `1` stands in every text."""

MOST_READ = 2000
"""Of longer values no more is read; far less is shown, so no secret is cut in two and shown."""

_NAME = re.compile(
    r"(?:^|_)pass(?:wd|code)?(?:$|_)|passw|passphrase|pwd|secret|token|api_?key|access_?key"
    r"|auth(?!or(?!i))|cookie|session|sessid|csrf|xsrf|credential|private|signature|encryption"
    r"|(?:^|_)(?:sig|sid|pin|otp|cvv|cvc|ssn|iban|jwt|totp|mfa|dsn|salt|key)(?:$|_|\d)"
    r"|card_?(?:number|no)|credit|database_ur[il]"
)
# Every repetition below is bounded where a match can fail after it: these patterns read text that
# clients choose, and unbounded ones took 11 s for 8 kB of "x-x-x-".
_NAMED = (
    r"[\w.-]{0,40}(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key"
    r"|credential|authorization)[\w.-]{0,40}"
)
_WORDS = re.compile(
    rf"(?i)([\"']?\b{_NAMED}[\"']?\s{{0,9}}(?:=>|[:=]|\bis\b)\s{{0,9}})"
    r"(\"[^\"\n]{0,500}\"|'[^'\n]{0,500}'|(?:bearer|basic|digest)\s+\S+|[^\s,;&)}\]]+)"
)
_IN_SOURCE = re.compile(
    rf"(?i)(\b{_NAMED}[\"']?\]?\s{{0,9}}[:=]\s{{0,9}})([rbf]?\"[^\"\n]+\"|[rbf]?'[^'\n]+')"
)
_QUERY = re.compile(r"([?&;]([^=&;?#\s]{1,60})=)([^&;#\s\"']+)")
_SHAPES = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|$)"
    r"|\beyJ[\w-]{5,500}\.[\w-]{5,}(?:\.[\w-]*)?"  # JSON Web Token, RFC 7519
    r"|\b(?i:bearer|basic)\s+[\w+/~.=-]{8,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"  # AWS
    r"|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}"
    r"|\bxox[abprs]-[\w-]{10,}"  # Slack
    r"|\b[rsp]k_(?:live|test)_\w{10,}|\bsk-[\w-]{20,}"
    r"|\bAIza[\w-]{30,}|\bya29\.[\w-]{20,}"  # Google
    r"|\bSG\.[\w-]{16,100}\.[\w-]{16,}"
    r"|\$2[abxy]\$\d\d\$[./\w]{40,}|\$argon2\w*\$[^\s\"']+|\b(?:pbkdf2|scrypt):[^\s\"']+",
    re.DOTALL,
)
_URL_LOGIN = re.compile(
    r"(\b[a-z][a-z0-9+.-]{0,20}://[^/\s:@]{0,80}:)([^/\s@]{1,200})(?=@)", re.IGNORECASE
)
_CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w.-])")
_LONG = re.compile(r"(?<![\w/.+-])(?=[\w+/-]*\d)(?=[\w+/-]*[A-Za-z])[\w+-]{32,}={0,2}(?![\w/.])")
_HINT = re.compile(
    r"[\w+-]{32}|://|[?&;]|\d[\d -]{11}|(?i:[:=]|\bis\b|bearer|basic|-----B|_\w{10}|\$)"
    r"|[-.][\w-]{9}|A[KS]IA|AIza"
)


def is_secret(name: str, more: Iterable[str] = ()) -> bool:
    """Tell whether a value under this name is to be hidden; `more` are further such names."""
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_").replace(" ", "_")
    return _NAME.search(plain) is not None or any(_plain(word) in plain for word in more)


def _plain(word: str) -> str:
    return word.lower().replace("-", "_").replace(" ", "_")


def _is_card(digits: str) -> bool:
    """Tell by the check digit of ISO/IEC 7812 (Luhn)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (1 + place % 2)
        total += number - 9 if number > 9 else number  # noqa: PLR2004  # the digit sum
    return total % 10 == 0


class Redactor:
    """Hides the secrets of one report; knows more with every name that it is shown."""

    def __init__(self, names: Iterable[str] = (), values: Iterable[str] = ()) -> None:
        """Begin with further secret names, and values known to be secret."""
        self._names = tuple(names)
        self._known: dict[str, bool] = {}
        self._values: set[str] = set()
        for value in values:
            self.learn(value)

    def secret_name(self, name: str) -> bool:
        """Tell whether values under this name are hidden."""
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = is_secret(name, self._names)
        return found

    def learn(self, value: object) -> None:
        """Hide this value from now on, also where it is quoted for a URL."""
        text = value if isinstance(value, str) else str(value)
        if len(text) >= SHORTEST and text.lower() not in _COMMON:
            self._values.update({text, quote(text, safe=""), quote_plus(text), unquote_plus(text)})
            self._values.add(text.encode("unicode_escape").decode("ascii"))

    def text(self, text: str) -> str:
        """Return the text without its secrets."""
        text = self._without_values(text)
        if not _HINT.search(text):
            return text
        text = _SHAPES.sub(HIDDEN, text)
        text = _URL_LOGIN.sub(rf"\1{HIDDEN}", text)
        text = _QUERY.sub(self._parameter, text)
        text = _WORDS.sub(rf"\1{HIDDEN}", text)
        text = _CARD.sub(_card, text)
        return _LONG.sub(HIDDEN, text)

    def identity(self, text: str) -> str:
        """Return an identifier without what is known, or marked, as secret: it may be long."""
        return _SHAPES.sub(HIDDEN, self._without_values(text))

    def source(self, line: str) -> str:
        """Return a line of a program without its secrets: literals only, the code remains."""
        line = self._without_values(line)
        if '"' not in line and "'" not in line:
            return line
        line = _IN_SOURCE.sub(rf"\1{HIDDEN}", line)
        return _URL_LOGIN.sub(rf"\1{HIDDEN}", _SHAPES.sub(HIDDEN, line))

    def named(self, name: str, value: object, depth: int = 3) -> object:
        """Return what may be shown of a value under its name; containers are gone through."""
        if self.secret_name(name):
            self._learn_all(value)
            return HIDDEN
        if isinstance(value, Mapping):
            if depth == 0:
                return "{…}"
            pairs = list(value.items())[:50]
            return {str(key): self.named(str(key), inner, depth - 1) for key, inner in pairs}
        if isinstance(value, (list, tuple)):
            return [self.named(name, inner, depth - 1) for inner in value[:50]] if depth else "[…]"
        if value is None or isinstance(value, (bool, float)):
            return value
        return self.text((value if isinstance(value, str) else str(value))[:MOST_READ])

    def _learn_all(self, value: object) -> None:
        if isinstance(value, Mapping):
            value = list(value.values())
        if isinstance(value, (list, tuple)):
            for inner in value:
                self._learn_all(inner)
        elif value is not None and not isinstance(value, bool):
            self.learn(value)

    def _without_values(self, text: str) -> str:
        for value in sorted((v for v in self._values if v in text), key=len, reverse=True):
            text = text.replace(value, HIDDEN)
        return text

    def _parameter(self, found: re.Match[str]) -> str:
        if self.secret_name(unquote_plus(found[2])):
            return found[1] + HIDDEN
        return found[0]


_COMMON = frozenset(
    {
        "false",
        "none",
        "null",
        "undefined",
        "password",
        "secret",
        "token",
        "basic",
        "bearer",
        "admin",
        "localhost",
        HIDDEN,
    }
)
"""Placeholders: to hide them everywhere would only blind the reader."""


def _card(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found[0])
    return HIDDEN if _is_card(digits) else found[0]
