"""Certificates for tests, each with a key of its own."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Issued:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: CertificateIssuerPrivateKeyTypes

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Write both files, and return their paths."""
        paths = folder / f"{name}.crt", folder / f"{name}.key"
        for path, text in zip(paths, (self.pem, key_pem(self.key)), strict=True):
            path.write_text(text)
        return paths


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: CertificateIssuerPrivateKeyTypes) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def issue(
    name: str,
    names: Sequence[str] = (),
    *,
    authority: Issued | None = None,
    begin: datetime.datetime | None = None,
    end: datetime.datetime | None = None,
    ca: bool | None = None,
    usages: Sequence[x509.ObjectIdentifier] = (),
    key: CertificateIssuerPrivateKeyTypes | None = None,
) -> Issued:
    """Issue a certificate for DNS names and IP addresses.

    It is valid from an hour ago until tomorrow. Without an authority it signs itself, and is one.
    """
    key = key or new_key()
    ca = authority is None if ca is None else ca
    signer = authority.key if authority else key
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority.certificate.subject if authority else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin or now - datetime.timedelta(hours=1))
        .not_valid_after(end or now + DAY)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), ca)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        # Python 3.13 requires it of certificates, and the next one of authorities.
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False
        )
    )
    if ca:
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(usage, True)
    if names:
        entries = [
            x509.IPAddress(ipaddress.ip_address(text)) if text[0].isdigit() else x509.DNSName(text)
            for text in names
        ]
        builder = builder.add_extension(x509.SubjectAlternativeName(entries), False)
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), False)
    return Issued(builder.sign(signer, hashes.SHA256()), key)
