"""What every profile rule works with: a certificate at its place, a breach, an extension."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from cryptography import x509

E = TypeVar("E", bound=x509.ExtensionType)


@dataclass(frozen=True, slots=True)
class Breach:
    """One rule broken: its id, what the certificate at `depth` of the path does, the source."""

    rule: str
    message: str
    source: str
    depth: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A certificate at `depth` (0: the server's) of a path of `length` certificates."""

    certificate: x509.Certificate
    depth: int
    length: int

    @property
    def is_authority(self) -> bool:
        """Tell whether it issues: everything in a path but the first."""
        return self.depth > 0

    @property
    def is_root(self) -> bool:
        """Tell whether it is the end of the path."""
        return self.depth > 0 and self.depth == self.length - 1

    @property
    def self_issued(self) -> bool:
        """Tell whether subject and issuer are the same (RFC 5280, 3.2)."""
        return self.certificate.subject == self.certificate.issuer

    def breach(self, rule: str, message: str, source: str) -> Breach:
        """Return a breach by this certificate."""
        return Breach(rule, message, source, self.depth)


def extension(certificate: x509.Certificate, kind: type[E]) -> x509.Extension[E] | None:
    """Return an extension, or None. Raises ValueError where the extensions can't be parsed."""
    try:
        return certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None
