# The two commands: `make up` and `make test`. `make help` shows the others.

HOSTS ?= $(shell python3 -c 'import json; d = json.load(open(".lab/lab.json")); print(d["managers"] + d["workers"])' 2>/dev/null || echo 5)
MANAGERS ?=
HOST ?= m1
# What `make test` runs: set-up, upgrade, services, volumes, one host, refusals. Two run all the time, from
# the first on, if their hosts fit; a third one, from the last on, begins while the processors have time.
CORE ?= upgrade default volumes bad_input service single_host
# Minutes for `make test-stale`: it begins nothing that would take longer.
BUDGET ?= 60

# The Python that .venv is made with.
ELK_PYTHON ?= python3
PYTHON := .venv/bin/python
LAB := python3 -m lab
MANAGER_OPTION := $(if $(MANAGERS),--managers $(MANAGERS))

# Settings of a shell that would make all of this slower.
unexport PYTHONDONTWRITEBYTECODE
unexport PYTHONUNBUFFERED

.DEFAULT_GOAL := help
.PHONY: help up hosts down clean status ssh check unit test test-all test-stale bench docs tools

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

unit: tools ## unit and contract tests; FILE=tests/unit/test_rooms.py: those of one file
	$(if $(FILE),.venv/bin/pytest -q $(FILE),$(PYTHON) tests/tools/check.py --only unit --only contract)

test: $(if $(ONLY),tools,check) ## check, then the core scenarios; ONLY=quorum: one of all
	$(PYTHON) tests/tools/scenarios.py $(or $(ONLY),$(CORE))

test-all: check ## check, then every scenario; two hours and more
	$(PYTHON) tests/tools/scenarios.py --all

test-stale: tools ## the scenarios whose subject has changed since they passed: BUDGET=60 minutes
	$(PYTHON) tests/tools/scenarios.py --stale --minutes $(BUDGET)

bench: tools ## measure site.yml against a shell script, volumes, a roll and ids, 40 minutes on a quiet machine
	$(PYTHON) tests/bench/provision/run.py
	$(PYTHON) tests/bench/volumes/run.py
	$(PYTHON) tests/bench/roll/run.py
	$(PYTHON) tests/bench/ids/run.py

docs: tools ## write the tables in docs/ anew from the argument specs
	$(PYTHON) tests/tools/role_specs.py --docs
	$(PYTHON) tests/tools/module_docs.py --docs
	$(PYTHON) tests/tools/peers.py --docs

tools: .venv/test-requirements.txt

.venv/test-requirements.txt: lab/requirements.txt tests/requirements.txt
	@$(ELK_PYTHON) -c 'import ensurepip, venv' 2>/dev/null || (apt-get update -q && apt-get install -q -y python3-venv)
	@$(LAB) environment
	.venv/bin/pip install -q -r tests/requirements.txt
	@cp tests/requirements.txt $@
