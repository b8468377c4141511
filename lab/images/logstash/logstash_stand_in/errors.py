# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of a configuration and of a pipeline."""

from __future__ import annotations


class ConfigurationError(Exception):
    """A file or an option that Logstash would refuse."""


class ForcedQuitError(Exception):
    """A stop made no progress, and pipeline.unsafe_shutdown allows the process to end anyway."""


class PipelineError(Exception):
    """A pipeline with a valid configuration that cannot start, for example because of a 401."""
