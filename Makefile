# The two commands: `make up` and `make test`. `make help` shows the others.

HOSTS ?= $(shell python3 -c 'import json; d = json.load(open(".lab/lab.json")); print(d["managers"] + d["workers"])' 2>/dev/null || echo 5)
MANAGERS ?=
HOST ?= m1
# Scenarios: two run all the time, from the first on, those that take longest before others, so that they end together.
# A third one, from the last on, where those stand that mostly wait or are small, begins while the processors have
# time. The swap that firewall switches is that of this whole machine: single_host stays far from it.
SCENARIOS ?= storage failure upgrade doors scale_hosts quorum operations firewall interrupted default single_host bad_input service volumes
# For these `make test`, which is to end within 75 minutes, has no time.
LONG_SCENARIOS ?= replace_host rotate engine

# The Python that .venv is made with.
ELK_PYTHON ?= python3
PYTHON := .venv/bin/python
LAB := python3 -m lab
MANAGER_OPTION := $(if $(MANAGERS),--managers $(MANAGERS))

.DEFAULT_GOAL := help
.PHONY: help up hosts down clean status ssh check test test-long bench docs tools

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: hosts ## from nothing to a working platform: HOSTS=5 MANAGERS=2
	.venv/bin/ansible-playbook -i inventories/lab site.yml
	@$(LAB) status

hosts: ## only the lab's hosts, bare
	@$(LAB) up --hosts $(HOSTS) $(MANAGER_OPTION)

down: ## remove the lab's hosts; images and caches stay
	@$(LAB) down

clean: ## remove the lab, its images and its caches
	@$(LAB) clean

status: ## hosts, services, health, what to try next
	@$(LAB) status

ssh: ## log in to a host: HOST=m1
	@$(LAB) ssh $(HOST)

check: tools ## lint, types, unit and contract tests, ansible-test sanity
	$(PYTHON) tests/tools/check.py

test: check ## check, then the Molecule scenarios on hosts of their own
	$(PYTHON) tests/tools/scenarios.py $(SCENARIOS)

test-long: tools ## the rest of the scenarios: replaced hosts, renewed secrets, changes of Docker
	$(PYTHON) tests/tools/scenarios.py $(LONG_SCENARIOS)

bench: tools ## measure site.yml against a shell script, volumes, and a roll, half an hour on a quiet machine
	$(PYTHON) tests/bench/provision/run.py
	$(PYTHON) tests/bench/volumes/run.py
	$(PYTHON) tests/bench/roll/run.py

docs: tools ## write the tables in docs/ anew from the argument specs
	$(PYTHON) tests/tools/role_specs.py --docs
	$(PYTHON) tests/tools/module_docs.py --docs

tools: .venv/test-requirements.txt

.venv/test-requirements.txt: lab/requirements.txt tests/requirements.txt
	@$(ELK_PYTHON) -c 'import ensurepip, venv' 2>/dev/null || (apt-get update -q && apt-get install -q -y python3-venv)
	@$(LAB) environment
	.venv/bin/pip install -q -r tests/requirements.txt
	@cp tests/requirements.txt $@
