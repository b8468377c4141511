# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of nodes, services, configs and secrets. Each name is written only here.

The label that places a service is in the description of that service.
"""

from __future__ import annotations

# Docker's own label: the stack of an object that `docker stack` created.
STACK = "com.docker.stack.namespace"
# Label of a container: the service of its task.
SWARM_SERVICE = "com.docker.swarm.service.name"

# Labels of nodes. Those with the prefix belong to the roles; the inventory may not set them.
PREFIX = "elk."
GENERATION, CONFIG, RESTARTED = "elk.es", "elk.es.config", "elk.es.restarted"
# A node with this generation runs no Elasticsearch: its restart has begun and has not ended.
HOLD = "hold"
# On a host that add_host.yml has begun to add and has not finished.
JOINING = "elk.joining"
# The names of the node's labels that came from the inventory.
FROM_INVENTORY = "elk.inventory-labels"

# Label of an Elasticsearch service.
SERVICE_GENERATION = "elk.generation"
# Label of the service of one host: the name of the service that runs on several.
PER_HOST = "elk.per_host"

# Labels of configs and secrets: the name without its hash, and the service that uses it.
BASE, SERVICE = "elk.swarm.base", "elk.swarm.service"
