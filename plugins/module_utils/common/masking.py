# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which names mean a secret, and how a secret is hidden in a text."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

MASK = "********"
SECRET_NAME = re.compile(r"pass|token|secret|credential|private|(^|_)key|api_?key", re.IGNORECASE)


def mask_secrets(text: str, secrets: Iterable[str]) -> str:
    """Hide secrets in a text of another program, also in the forms in which programs quote them."""
    for secret in sorted(secrets, key=len, reverse=True):
        quoted = (json.dumps(secret)[1:-1], repr(secret)[1:-1], quote(secret, safe=""))
        for form in (secret, *quoted):
            text = text.replace(form, MASK)
    return text
