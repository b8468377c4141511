# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for Logstash in the lab: it reads the same files as the real Logstash."""

from __future__ import annotations

import os
from pathlib import Path

_VERSION_FILE = Path(os.environ.get("LOGSTASH_STAND_IN_HOME", "/usr/share/logstash")) / "VERSION"
VERSION = _VERSION_FILE.read_text().strip() if _VERSION_FILE.is_file() else "9.2.4"
