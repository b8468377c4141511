# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS of the elasticsearch output: trusted certificates, protocols and cipher suites."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
from logstash_stand_in.errors import ConfigurationError
from logstash_stand_in.tls import restrict

from tests.certificates import issue

from .conftest import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import FakeElasticsearch, Logstash


@pytest.mark.parametrize(
    ("address", "trusted", "error"),
    [
        ("127.0.0.1", "authority", None),
        ("127.0.0.1", "other", "certificate verify failed"),
        ("192.0.2.1", "authority", "IP address mismatch"),
    ],
)
def test_only_a_certificate_of_the_ca_for_this_address_is_trusted(
    elasticsearch: FakeElasticsearch,
    logstash: Logstash,
    address: str,
    trusted: str,
    error: str | None,
) -> None:
    authority = issue("authority")
    authority.write(logstash.home, "authority")
    issue("other").write(logstash.home, "other")
    server = issue("server", [address], authority=authority)
    elasticsearch.stop()
    elasticsearch.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    elasticsearch.tls.load_cert_chain(*server.write(logstash.home, "server"))
    elasticsearch.start()
    logstash.to_elasticsearch(
        elasticsearch.url,
        f'ssl_enabled => true ssl_certificate_authorities => ["{logstash.home}/{trusted}.crt"]',
    )
    logstash.start()
    logstash.send("<34>Nov 21 00:00:01 host app: text")
    if error is None:
        wait_for(lambda: elasticsearch.documents)
    else:
        wait_for(lambda: logstash.log().count(error) > 1)
        assert not elasticsearch.requests
        assert logstash.stop() == 0


def server_context(folder: Path, ciphers: str, *, newest: bool = False) -> ssl.SSLContext:
    """A server context with these cipher suites of TLS 1.2, and with TLS 1.3 only if ``newest``."""
    authority = issue("authority")
    authority.write(folder, "authority")
    server = issue("server", ["127.0.0.1"], authority=authority)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*server.write(folder, "server"))
    context.set_ciphers(ciphers)
    if not newest:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


@pytest.mark.parametrize(
    ("ciphers", "newest", "sent"),
    [
        ("ECDHE-ECDSA-AES128-SHA256", False, False),
        ("ECDHE-ECDSA-AES128-GCM-SHA256", False, True),
        ("ECDHE-ECDSA-AES128-SHA256", True, True),
    ],
)
def test_only_the_suites_of_the_option_are_used(
    elasticsearch: FakeElasticsearch, logstash: Logstash, ciphers: str, newest: bool, sent: bool
) -> None:
    elasticsearch.stop()
    elasticsearch.tls = server_context(logstash.home, ciphers, newest=newest)
    elasticsearch.start()
    logstash.to_elasticsearch(
        elasticsearch.url,
        f'ssl_enabled => true ssl_certificate_authorities => ["{logstash.home}/authority.crt"]'
        ' ssl_supported_protocols => ["TLSv1.3", "TLSv1.2"]'
        ' ssl_cipher_suites => ["TLS_AES_256_GCM_SHA384",'
        ' "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"]',
    )
    logstash.start()
    logstash.send("<34>Nov 21 00:00:01 host app: text")
    if sent:
        wait_for(lambda: elasticsearch.documents)
    else:
        wait_for(lambda: logstash.log().lower().count("handshake failure") > 1)
        assert not elasticsearch.requests


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ssl_cipher_suites": ["TLS_ECDHE_ECDSA_WITH_AES_129_GCM_SHA256"]}, "cipher"),
        (
            {
                "ssl_cipher_suites": [
                    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                    "TLS_ECDHE_ECDSA_WITH_AES_129_GCM_SHA256",
                ]
            },
            "AES_129",
        ),
        (
            {
                "ssl_cipher_suites": ["TLS_AES_256_GCM_SHA384"],
                "ssl_supported_protocols": ["TLSv1.2"],
            },
            "fits",
        ),
    ],
)
def test_unavailable_suites(options: dict[str, list[str]], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        restrict(ssl.create_default_context(), options)


def test_protocols_alone() -> None:
    context = ssl.create_default_context()
    restrict(context, {"ssl_supported_protocols": ["TLSv1.3"], "ssl_cipher_suites": []})
    assert context.minimum_version == context.maximum_version == ssl.TLSVersion.TLSv1_3
