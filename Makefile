# Everything a developer or an operator's rehearsal needs. Bare `make` lists the targets.
# Set-up is plain venv and pip (uv if it is there), skipped when nothing changed; all state is in var/.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
NIGHT ?= ordinary
export ENCOMPASS_VAR ?= $(CURDIR)/var
RUN_STAMP := $(VENV)/.run-stamp
DEV_STAMP := $(VENV)/.dev-stamp

PUPILS ?= 1000000
FUZZ ?= 100000
KILLS ?= 500
NIGHTS ?= 5
DUTIES ?= 5000

.PHONY: help run night serve airflow test check format bench bench-scale prove browser pango docs screenshots assets lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUN_STAMP) ## One night end to end, then serve the pages until Ctrl-C
	@exec $(PY) -m sandbox night --night "$(NIGHT)" --serve

night: $(RUN_STAMP) ## One night end to end through the DAGs, and its account (NIGHT=YYYY-MM-DD or a named night)
	@exec $(PY) -m sandbox night --night "$(NIGHT)"

serve: $(RUN_STAMP) ## Serve the web pages over the state in var/ until Ctrl-C, playing no night
	@exec $(PY) -m sandbox pages --night "$(NIGHT)"

airflow: $(RUN_STAMP) ## Airflow's scheduler and pages over the same state, until Ctrl-C
	@exec $(PY) -m sandbox airflow

test: $(DEV_STAMP) browser pango ## Every test that fits in fifteen minutes
	@exec $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow" $(ARGS)

prove: $(DEV_STAMP) browser ## The slow proofs: processes killed (KILLS=500), whole nights killed (NIGHTS=5), files changed at random (FUZZ=100000)
	@FUZZ=$(FUZZ) exec $(PY) -m pytest -q tests/formats/test_fuzz.py
	@KILLS=$(KILLS) NIGHTS=$(NIGHTS) exec $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder -rP -m slow $(ARGS)

bench: $(DEV_STAMP) ## Measured ratios, side by side in one run (DUTIES=5000 are sent, at two fifths as many schools)
	@DUTIES=$(DUTIES) exec $(PY) -m bench

bench-scale: $(DEV_STAMP) ## Loading, matching and nightly change at any size (PUPILS=1000000), beside Splink
	@exec $(PY) -m bench.scale --pupils $(PUPILS) $(ARGS)

check: $(DEV_STAMP) ## Format, lint, types, layers, queries, migrations, docs, inventory, secrets
	@mkdir -p var
	@echo "ruff" >&2; $(VENV)/bin/ruff format --check -q . && $(VENV)/bin/ruff check -q .
	@echo "import-linter" >&2; $(VENV)/bin/lint-imports --no-cache >var/check.log 2>&1 || { cat var/check.log; exit 1; }
	@echo "pyright" >&2; $(VENV)/bin/pyright
	@echo "squawk" >&2; $(VENV)/bin/squawk -c .squawk.toml sql/migrations/versions/*.sql >var/check.log 2>&1 || { cat var/check.log; exit 1; }
	@echo "docker-compose" >&2; $(VENV)/bin/docker-compose -f docker-compose.yml config -q
	@echo "secrets" >&2; git ls-files -z | xargs -0 $(VENV)/bin/detect-secrets-hook --baseline .secrets.baseline
	@echo "queries, docs, inventory, access" >&2; $(PY) -m pytest -q -n 2 --dist loadfile tests/architecture

format: $(DEV_STAMP) ## Format the code and mend what the linter can
	@$(VENV)/bin/ruff format -q . && $(VENV)/bin/ruff check -q --fix .

browser: ## Install Chromium where apt-get can (its tests are skipped with a message elsewhere)
	@command -v chromium chromium-browser google-chrome >/dev/null || \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing Chromium ..." >&2; \
	    (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium) >/dev/null 2>&1 \
	      || echo "make: could not install Chromium; its tests will be skipped (in CI they fail)" >&2; \
	  else echo "make: no Chromium and no way to install it here; its tests will be skipped" >&2; fi

pango: ## Install Pango, which draws PDFs, where apt-get can (its tests are skipped with a message elsewhere)
	@ldconfig -p 2>/dev/null | grep -q libpangoft2-1.0 || \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing Pango ..." >&2; \
	    (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
	      libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core) >/dev/null 2>&1 \
	      || echo "make: could not install Pango; its tests will be skipped (in CI they fail)" >&2; \
	  else echo "make: no Pango and no way to install it here; its tests will be skipped" >&2; fi

docs: $(DEV_STAMP) ## Draw the generated pages of docs/ and the message catalogue anew
	@$(PY) -m docs.generate
	@cd encompass && ../$(VENV)/bin/pybabel -q extract -F ../babel.cfg --no-location --sort-output --omit-header \
	  -k lazy_gettext -o web/locale/messages.pot . && \
	  ../$(VENV)/bin/pybabel -q update -i web/locale/messages.pot -d web/locale -l cy --no-fuzzy-matching \
	  --ignore-pot-creation-date --no-wrap && ../$(VENV)/bin/pybabel -q compile -d web/locale

screenshots: $(DEV_STAMP) browser ## Draw the pictures of docs/images anew, from a fictional night
	@exec $(PY) -m docs.screenshots

assets: ## Rebuild the pages' CSS from govuk-frontend (needs Node; the result is committed)
	@cd frontend && npm ci --silent && npm run --silent build

lock: ## Resolve the dependencies anew into the lock files (needs uv)
	@for pair in "requirements.lock sandbox" "requirements-dev.lock dev"; do set -- $$pair; \
	  uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	    --no-emit-index-url --no-emit-find-links -o $$1 pyproject.toml --group $$2 \
	    $$([ $$2 = dev ] && echo -c requirements.lock); done

clean: ## Stop what runs on var/ and delete the environment, the state and every cache
	@if [ -x $(VENV)/bin/python ]; then $(PY) -m sandbox stop || true; fi
	@rm -rf $(VENV) var build *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@echo "setting up: python environment in $(VENV) ..." >&2
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
	  || { echo "make: Python 3.11, 3.12 or 3.13 is needed; this is $$($(PYTHON) --version). Set PYTHON=" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "make: set-up failed: python3 -m venv $(VENV)" >&2; exit 1; }

define install
	@echo "setting up: installing $(1) (once; about half a minute) ..." >&2
	@if command -v uv >/dev/null; then \
	  VIRTUAL_ENV=$(VENV) uv pip install -q --require-hashes -r $(1); \
	else $(VENV)/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r $(1); fi \
	  || { echo "make: set-up failed: installing $(1)" >&2; exit 1; }
	@$(VENV)/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . \
	  || { echo "make: set-up failed: installing encompass itself" >&2; exit 1; }
endef

$(RUN_STAMP): requirements.lock pyproject.toml | $(VENV)/bin/python
	$(call install,requirements.lock)
	@touch $@

$(DEV_STAMP): requirements-dev.lock $(RUN_STAMP)
	$(call install,requirements-dev.lock)
	@touch $@
