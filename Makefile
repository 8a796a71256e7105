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
# The tests start the tap and Meltano hundreds of times: without what Python keeps of it, each start compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE
# The tests wait for processes, servers and pauses more than they work: twice as many side by side as there are cores.
export PYTEST_XDIST_AUTO_NUM_WORKERS ?= $(shell expr 2 '*' "$$(getconf _NPROCESSORS_ONLN)")
# ARGS: passed on to the tool that a target runs.
ARGS ?=

dev := .venvs/dev/bin
release := .venvs/release/bin
core := tests/unit tests/test_streams.py tests/test_changes.py tests/test_order.py tests/test_errors.py tests/test_settings.py \
  tests/test_mapping.py tests/test_connection.py
orchestrators := $(basename $(notdir $(wildcard requirements/schedule-*.in)))
pages := README.md CONTRIBUTING.md zensical.toml meltano.yml $(wildcard docs/*.md docs/*.svg)
loaders := target-postgres target-jsonl $(basename $(notdir $(wildcard requirements/target-*.in)))
pip_url = sed -n 's/^ *pip_url: *\(.*$(1)==.*\)/\1/p' meltano.yml
lock := uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
  --python-version 3.11 --custom-compile-command "make lock" $(ARGS)

.PHONY: help setup test coverage test-lowest test-next soak lint types dependencies docs docs-check site serve check targets bench \
  schedules workflows audit demo dist picture logo lock format clean FORCE

help: ## Show this list
	@echo "Usage: make TARGET [PYTHON=python3.12] [ARGS='...']"
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1 \2/p' $(firstword $(MAKEFILE_LIST)) | \
	  while read -r target text; do printf '  %-12s %s\n' "$$target" "$$text"; done

setup: .venvs/dev/ready .venvs/meltano/ready .venvs/plugins/ready .venvs/warehouses .venvs/charts/ready ## Set up everything (the other targets do it themselves)

test: setup .venvs/browser/ready ## Run every test; ARGS='tests/test_x.py -k name' runs a part
	$(dev)/python -m pytest --numprocesses auto $(ARGS)

coverage: setup .venvs/browser/ready ## Run every test with its coverage measured, which takes twice the processor time; fails below 95 %
	$(dev)/python -m pytest --numprocesses auto --cov

soak: .venvs/dev/ready ## Let 2,000 faults happen to real runs, and see that nothing is lost; takes about 20 minutes
	$(dev)/python -m tests.campaign $(ARGS)

test-lowest: .venvs/lowest/ready ## Run the core of the tests with the oldest dependencies that the tap allows
	.venvs/lowest/bin/python -m pytest --numprocesses auto $(or $(ARGS),$(core))

test-next: .venvs/next/ready ## Run the core of the tests with the next release of the Singer SDK
	.venvs/next/bin/python -m pytest --numprocesses auto $(or $(ARGS),$(core))

lint: .venvs/dev/ready ## Check style and format
	$(dev)/ruff check $(ARGS)
	$(dev)/ruff format --check

types: .venvs/dev/ready ## Check types, with mypy and with ty
	$(dev)/mypy
	$(dev)/ty check

dependencies: .venvs/dev/ready ## Check that the tap declares just the packages that it imports, and that its walls stand
	$(dev)/deptry tap_onefile
	$(dev)/lint-imports

docs: .venvs/dev/ready ## Renew what is made from the code: pages, tables and pictures in docs/, meltano.yml, plugin.yaml, the catalogue's snapshot
	$(dev)/python -m tools.docs
	$(dev)/python -m tools.dbt
	$(dev)/cog -I . -r $(pages) docs/streams/*.md
	$(dev)/python -m tools.hub
	$(dev)/python -m pytest --quiet tests/test_catalog.py -k on_purpose --snapshot-update

docs-check: .venvs/dev/ready .venvs/browser/ready ## Check that all of that is fresh, and look at each page of the site in a browser
	$(dev)/cog -I . --check --diff $(pages) docs/streams/*.md
	$(dev)/python -m tools.dbt --check
	$(dev)/python -m tools.hub --check
	$(MAKE) site
	.venvs/browser/bin/python -m tools.browser site

site: .venvs/dev/ready ## Build the documentation as a site, into site/
	$(dev)/zensical build --strict --clean
	$(dev)/python -m tools.docs.plain site
	@echo 'It is in site/. `make serve` shows it in a browser, with its search.'

serve: .venvs/dev/ready ## Show the documentation as a site, at http://localhost:8000, and follow changes
	$(dev)/zensical serve $(ARGS)

check: lint types dependencies docs-check ## Everything that is checked without a test

workflows: .venvs/release/ready ## Check the workflows, with actionlint and with zizmor
	PATH="$(CURDIR)/$(release):$$PATH" $(release)/actionlint
	$(release)/zizmor --pedantic .github

audit: workflows ## Look for known weaknesses in the workflows and in what the locks hold (asks the package index)
	@for lock in requirements/*.txt; do echo "$$lock:"; \
	  $(release)/pip-audit --strict --disable-pip --require-hashes --requirement "$$lock" $(ARGS) || failed=1; done; \
	  exit $${failed:-0}

format: .venvs/dev/ready ## Put the code into shape
	$(dev)/ruff check --fix-only
	$(dev)/ruff format

demo: setup ## Load OneFile's sandbox into a real PostgreSQL, check that nothing is missing, and draw charts; KEEP=1 keeps the data
	@$(dev)/python -m tools.demo $(if $(KEEP),--keep) $(ARGS)

targets: $(patsubst %,.venvs/%/ready,dev $(loaders)) ## Load every stream into every loader that installs, and compare row by row
	@$(dev)/python -m tools.loaders
	$(dev)/cog -I . -r docs/targets.md README.md

schedules: setup $(patsubst %,.venvs/%/ready,$(orchestrators)) ## Run examples/schedules/ by Airflow and by Dagster; takes about 5 minutes
	$(dev)/python -m pytest examples/schedules/tests --numprocesses 3 $(ARGS)

bench: setup ## Measure the tap, and the way into PostgreSQL, beside what one would use instead; ARGS='--part pipeline' or '--help'
	@$(dev)/python -m tools.benchmarks $(ARGS)

dist: .venvs/dev/ready .venvs/release/ready ## Build what is released, try it, and list what it holds; TAG=v1.2.3 for a release
	$(dev)/python -m tools.release $(TAG)

picture: setup ## Draw docs/demo.svg, the documentation's picture of what the demo ends with
	$(dev)/python -m tools.demo.picture docs/demo.svg

logo: .venvs/release/ready ## Draw tools/hub/logo.png from tools/hub/logo.svg
	$(release)/python -c 'import resvg_py as r; open("tools/hub/logo.png", "wb").write(r.svg_to_bytes(svg_path="tools/hub/logo.svg"))'

lock: .venvs/dev/ready ## Renew the lock files; ARGS=--upgrade for the newest versions
	$(dev)/$(lock) pyproject.toml --group pyproject.toml:dev sandbox/pyproject.toml --extra fast -o requirements/dev.txt
	$(dev)/$(lock) --group pyproject.toml:meltano -o requirements/meltano.txt
	echo uv | $(dev)/$(lock) - --constraint requirements/dev.txt -o requirements/uv.txt
	$(dev)/$(lock) --group pyproject.toml:release -o requirements/release.txt
	$(dev)/$(lock) pyproject.toml --constraint requirements/dev.txt -o requirements/tap.txt
	rm -f .venvs/lowest.txt # the versions in it would be kept
	$(dev)/$(lock) pyproject.toml --resolution lowest-direct --no-generate-hashes -o .venvs/lowest.txt
	$(dev)/$(lock) pyproject.toml --group pyproject.toml:build --group pyproject.toml:test sandbox/pyproject.toml \
	  --extra fast --constraint .venvs/lowest.txt -o requirements/lowest.txt
	$(call pip_url,target-postgres) | $(dev)/$(lock) - -o requirements/target-postgres.txt
	$(call pip_url,target-jsonl) | $(dev)/$(lock) - -o requirements/target-jsonl.txt
	for each in requirements/dbt.in requirements/target-*.in requirements/schedule-*.in requirements/browser.in requirements/charts.in; do $(dev)/$(lock) "$$each" -o "$${each%.in}.txt" || exit 1; done
	printf '%s\n' aiohttp asyncpg msgspec uvloop | $(dev)/$(lock) - -o requirements/bench-asyncio.txt
	echo 'dlt[filesystem,postgres]' | $(dev)/$(lock) - -o requirements/bench-dlt.txt
	echo airbyte-cdk | $(dev)/$(lock) - -o requirements/bench-airbyte.txt

clean: ## Remove the environments and all that tools have left
	rm -rf .venvs .meltano site .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage .coverage.* dist output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venvs/python: FORCE
	@sh requirements/find-python.sh

.venvs/dev/ready: .venvs/python requirements/dev.txt requirements/environment.sh pyproject.toml sandbox/pyproject.toml
	@sh requirements/environment.sh dev

# Neither is for Python 3.14 and newer yet: the tests that need them say so.
.venvs/warehouses: .venvs/python FORCE | .venvs/dev/ready
	@if [ "$$(sed -n '2s/^3\.\([0-9]*\).*/\1/p' .venvs/python)" -lt 14 ]; then \
	  $(MAKE) .venvs/dbt/ready .venvs/target-duckdb/ready; fi

.venvs/%/ready: .venvs/python requirements/%.txt requirements/environment.sh | .venvs/dev/ready
	@sh requirements/environment.sh $*

.venvs/lowest/ready: .venvs/python requirements/lowest.txt requirements/environment.sh pyproject.toml | .venvs/dev/ready
	@sh requirements/environment.sh lowest

.venvs/next/ready: .venvs/python requirements/dev.txt requirements/environment.sh pyproject.toml FORCE | .venvs/dev/ready
	@sh requirements/environment.sh next

.venvs/plugins/ready: .venvs/meltano/ready requirements/dev.txt requirements/target-postgres.txt requirements/target-jsonl.txt \
  requirements/dbt.txt meltano.yml pyproject.toml | .venvs/warehouses
	@sh requirements/environment.sh plugins
