# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of nodes, services, configs and secrets. Each name stands here once."""

from __future__ import annotations

# Docker's own: the stack that `docker stack` puts something into.
STACK = "com.docker.stack.namespace"
# Of a container: the service that it is a task of.
SWARM_SERVICE = "com.docker.swarm.service.name"

# Of nodes. Labels with the prefix belong to the roles; the inventory may not set them.
PREFIX = "elk."
GENERATION, CONFIG, RESTARTED = "elk.es", "elk.es.config", "elk.es.restarted"
# A node whose generation is this one runs nothing: its restart has begun and has not ended.
HOLD = "hold"
# On a host that add_host.yml has let in and has not finished with.
JOINING = "elk.joining"
LOGSTASH, KIBANA = "elk.logstash", "elk.kibana"
# Which labels of a node came from the inventory.
FROM_INVENTORY = "elk.inventory-labels"

# Of a service of Elasticsearch.
SERVICE_GENERATION = "elk.generation"

# Of configs and secrets: the name without its hash, and the service that uses it.
BASE, SERVICE = "elk.swarm.base", "elk.swarm.service"
