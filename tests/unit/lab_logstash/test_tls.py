# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom the elasticsearch output trusts."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from typing import TYPE_CHECKING, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .conftest import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import FakeElasticsearch, Logstash


class Pair(NamedTuple):
    certificate: Path
    key: Path
    private: ec.EllipticCurvePrivateKey


def certify(folder: Path, name: str, address: str, authority: Pair | None = None) -> Pair:
    """Write a certificate and its key; without an authority it becomes one."""
    private = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    issuer = "authority" if authority else name
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), False
        )
        .sign(authority.private if authority else private, hashes.SHA256())
    )
    pair = Pair(folder / f"{name}.crt", folder / f"{name}.key", private)
    pair.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pair.key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pair


@pytest.mark.parametrize(
    ("address", "trusted", "trouble"),
    [
        ("127.0.0.1", "authority", None),
        ("127.0.0.1", "other", "certificate verify failed"),
        ("192.0.2.1", "authority", "IP address mismatch"),
    ],
)
def test_only_a_certificate_of_the_authority_for_this_address_is_trusted(
    elasticsearch: FakeElasticsearch,
    logstash: Logstash,
    address: str,
    trusted: str,
    trouble: str | None,
) -> None:
    authority = certify(logstash.home, "authority", "127.0.0.1")
    certify(logstash.home, "other", "127.0.0.1")
    server = certify(logstash.home, "server", address, authority)
    elasticsearch.stop()
    elasticsearch.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    elasticsearch.tls.load_cert_chain(server.certificate, server.key)
    elasticsearch.start()
    logstash.to_elasticsearch(
        elasticsearch.url,
        f'ssl_enabled => true ssl_certificate_authorities => ["{logstash.home}/{trusted}.crt"]',
    )
    logstash.start()
    logstash.send("<34>Nov 21 00:00:01 host app: text")
    if trouble is None:
        wait_for(lambda: elasticsearch.documents)
    else:
        wait_for(lambda: logstash.log().count(trouble) > 1)
        assert not elasticsearch.requests
        assert logstash.stop() == 0
