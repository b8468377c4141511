# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies ssl_supported_protocols and ssl_cipher_suites, which use Java's names, to OpenSSL."""

from __future__ import annotations

import re
import ssl
from typing import Any

from .errors import ConfigurationError

VERSIONS = {
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}


def openssl_name(suite: str) -> str:
    """OpenSSL's name of a cipher suite of TLS 1.2.

    >>> openssl_name("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")
    'ECDHE-ECDSA-AES256-GCM-SHA384'
    >>> openssl_name("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256")
    'ECDHE-RSA-AES128-SHA256'
    >>> openssl_name("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256")
    'ECDHE-RSA-CHACHA20-POLY1305'
    """
    name = suite.removeprefix("TLS_").replace("RSA_WITH_", "WITH_", suite.startswith("TLS_RSA_"))
    name = name.replace("WITH_", "", 1).replace("_CBC", "")
    name = re.sub(r"AES_(\d+)", r"AES\1", name)
    return re.sub(r"(POLY1305)_SHA256$", r"\1", name).replace("_", "-")


def restrict(context: ssl.SSLContext, options: dict[str, Any]) -> None:
    """Allow only the protocols and cipher suites of the options; empty options change nothing."""
    protocols = set(options.get("ssl_supported_protocols") or ())
    suites = options.get("ssl_cipher_suites") or []
    if suites:
        older = [openssl_name(suite) for suite in suites if "_WITH_" in suite]
        # Python cannot select cipher suites of TLS 1.3, only disable that version.
        usable = {"TLSv1.3"} if len(older) < len(suites) else set()
        usable |= {"TLSv1.1", "TLSv1.2"} if older else set()
        protocols = (protocols or set(VERSIONS)) & usable
        try:
            if older:
                context.set_ciphers(":".join(older))
        except ssl.SSLError as error:
            raise ConfigurationError(f"ssl_cipher_suites: {error}") from error
        known = {cipher["name"] for cipher in context.get_ciphers()}
        unknown = [
            suite for suite in suites if "_WITH_" in suite and openssl_name(suite) not in known
        ]
        if unknown:
            raise ConfigurationError(f"ssl_cipher_suites: unsupported: {', '.join(unknown)}")
        if not protocols:
            raise ConfigurationError("ssl_cipher_suites: none fits ssl_supported_protocols")
    if protocols:
        order = [VERSIONS[name] for name in VERSIONS if name in protocols]
        context.minimum_version, context.maximum_version = order[0], order[-1]
