"""The client's own certificate and key, for servers that ask for one."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL

from toolkit.errors import UsageError
from toolkit.text import clean
from toolkit_https.files import Ask, belongs, load_file


@dataclass(frozen=True, slots=True)
class Identity:
    """Files in PEM: the certificate with its intermediates, and the key, which may be locked."""

    certificate: Path
    key: Path
    passphrase: bytes | None = field(default=None, repr=False)

    def apply(self, context: SSL.Context) -> None:
        """Give the certificate and key to a context. Raises UsageError."""
        try:
            context.use_certificate_chain_file(str(self.certificate))
            private = load_pem_private_key(self.key.read_bytes(), self.passphrase)
            context.use_privatekey(private)  # type: ignore[arg-type]  # TypeError for other kinds
            context.check_privatekey()
        except (SSL.Error, OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            shown = f"{clean(str(self.certificate))} with {clean(str(self.key))}"
            message = f"{shown}: OpenSSL can't use them as a client certificate"
            raise UsageError(message, hint="both have to be PEM") from error


def load_identity(certificate: Path, key: Path | None, ask: Ask) -> Identity:
    """Return the identity in the files; the key may be in the certificate's.

    Raises UsageError where they can't be read or don't belong together. `ask` is for a passphrase.
    """
    asked: list[bytes] = []

    def once(path: Path) -> bytes:
        asked.append(asked[0] if asked else ask(path))
        return asked[0]

    place = key or certificate
    owned = load_file(place, once)
    held = load_file(certificate, once) if key else owned
    if not held.certificates:
        raise UsageError(f"{clean(str(certificate))}: holds no certificate")
    if owned.public_key is None:
        hint = "name the file with the key: --client-key FILE"
        raise UsageError(f"{clean(str(place))}: holds no private key", hint=hint)
    if not belongs(held.certificates[0], owned.public_key):
        shown = clean(str(certificate))
        raise UsageError(f"{clean(str(place))}: the key isn't that of the certificate in {shown}")
    return Identity(certificate, place, asked[0] if asked else None)
