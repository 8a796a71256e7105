# The front door for everyone who works on tap-onefile. `make` lists what there is to do.
#
# Paths are relative throughout, so that the checkout may lie in a directory with spaces in its name.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# PYTHON: a command or a path; empty for python3. Changing it rebuilds the environments.
export PYTHON
# uv trusts the certificates that the machine trusts, as pip does: many colleges' networks have one of their own.
export UV_SYSTEM_CERTS ?= 1
# ARGS: passed on to the tool that a target runs.
ARGS ?=

dev := .venvs/dev/bin
pages := README.md $(wildcard docs/*.md)
pip_url = sed -n 's/^ *pip_url: *\(.*$(1)==.*\)/\1/p' meltano.yml
lock := uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
  --python-version 3.11 --custom-compile-command "make lock" $(ARGS)

.PHONY: help setup test soak lint types dependencies docs docs-check check demo lock format clean FORCE

help: ## Show this list
	@echo "Usage: make TARGET [PYTHON=python3.12] [ARGS='...']"
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1 \2/p' $(firstword $(MAKEFILE_LIST)) | \
	  while read -r target text; do printf '  %-12s %s\n' "$$target" "$$text"; done

setup: .venvs/dev/ready .venvs/meltano/ready .venvs/plugins/ready ## Set up everything (the other targets do it themselves)

test: setup ## Run every test, with coverage measured and gated; ARGS='tests/test_x.py -k name' runs a part, ungated
	$(dev)/python -m pytest --numprocesses auto $(if $(ARGS),$(ARGS),--cov)

soak: .venvs/dev/ready ## Let 2,000 faults happen to real runs, and see that nothing is lost; takes about 20 minutes
	$(dev)/python -m tests.campaign $(ARGS)

lint: .venvs/dev/ready ## Check style and format
	$(dev)/ruff check $(ARGS)
	$(dev)/ruff format --check

types: .venvs/dev/ready ## Check types, with mypy and with ty
	$(dev)/mypy
	$(dev)/ty check

dependencies: .venvs/dev/ready ## Check that the tap declares just the packages that it imports
	$(dev)/deptry tap_onefile

docs: .venvs/dev/ready ## Renew what is made from the code: the tables in the documentation, and plugin.yaml
	$(dev)/cog -r $(pages)
	$(dev)/python -m hub

docs-check: .venvs/dev/ready ## Check that all of that is fresh
	$(dev)/cog --check --diff $(pages)
	$(dev)/python -m hub --check

check: lint types dependencies docs-check ## Everything that is checked without a test

format: .venvs/dev/ready ## Put the code into shape
	$(dev)/ruff check --fix-only
	$(dev)/ruff format

demo: setup ## OneFile's sandbox into a real PostgreSQL, and see that nothing is missing; KEEP=1 keeps the data
	@$(dev)/python -m demo $(if $(KEEP),--keep) $(ARGS)

bench: .venvs/dev/ready ## Measure the tap beside what one would use instead; ARGS='--quick' or '--help'
	@$(dev)/python -m benchmarks $(ARGS)

lock: .venvs/dev/ready ## Renew the lock files; ARGS=--upgrade for the newest versions
	$(dev)/$(lock) pyproject.toml --group pyproject.toml:dev sandbox/pyproject.toml --extra fast -o requirements/dev.txt
	$(dev)/$(lock) --group pyproject.toml:meltano -o requirements/meltano.txt
	echo uv | $(dev)/$(lock) - --constraint requirements/dev.txt -o requirements/uv.txt
	$(call pip_url,target-postgres) | $(dev)/$(lock) - -o requirements/target-postgres.txt
	$(call pip_url,target-jsonl) | $(dev)/$(lock) - -o requirements/target-jsonl.txt
	printf '%s\n' aiohttp msgspec uvloop | $(dev)/$(lock) - -o requirements/bench-asyncio.txt
	echo 'dlt[filesystem]' | $(dev)/$(lock) - -o requirements/bench-dlt.txt
	echo airbyte-cdk | $(dev)/$(lock) - -o requirements/bench-airbyte.txt

clean: ## Remove the environments and all that tools have left
	rm -rf .venvs .meltano .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage .coverage.* dist output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venvs/python: FORCE
	@sh requirements/find-python.sh

.venvs/dev/ready: .venvs/python requirements/dev.txt requirements/environment.sh pyproject.toml sandbox/pyproject.toml
	@sh requirements/environment.sh dev

.venvs/meltano/ready: .venvs/python requirements/meltano.txt requirements/environment.sh | .venvs/dev/ready
	@sh requirements/environment.sh meltano

.venvs/plugins/ready: .venvs/meltano/ready requirements/dev.txt requirements/target-postgres.txt requirements/target-jsonl.txt \
  meltano.yml pyproject.toml
	@sh requirements/environment.sh plugins
