# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A running platform whose password the controller loses."""

from __future__ import annotations

from tests.scenarios.shared.conftest import manager, platform

__all__ = ["manager", "platform"]
