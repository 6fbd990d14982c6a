# `make` shows the targets. Needs: make, git, python3 (3.11 or newer) with venv. Everything else goes into .venv.

PYTHON ?= python3
PORT ?= 8000
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
DONE := $(VENV)/.done
PLUGINS := $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml))
INSTALL := $(PY) -m pip install --quiet --constraint constraints.txt
# Two `make` at once must not install into one environment at the same time.
LOCKED := $(if $(shell command -v flock 2>/dev/null),flock $(VENV)/.lock)
READY := mkdir -p $(VENV) && $(LOCKED) $(MAKE) --no-print-directory --silent

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

.PHONY: help
help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' Makefile

.PHONY: demo
demo:  ## Set everything up and run a shop with demo data (PORT=8000; data in .demo)
	@$(READY) $(DONE)/runtime
	@exec env SHOPKIT_DATA_DIR="$${SHOPKIT_DATA_DIR:-.demo}" SHOPKIT_PORT="$(PORT)" $(BIN)/shopkit demo $(ARGS)

.PHONY: test
test:  ## Set everything up and run every test (ARGS="-k money" for some)
	@$(READY) $(DONE)/dev
	@exec $(PY) -m pytest $(ARGS)

.PHONY: test-debian
test-debian:  ## Run every test on the PostgreSQL that Debian installed instead of the embedded one
	@$(READY) $(DONE)/dev
	@exec .ci/on-debian-postgres $(PY) -m pytest $(ARGS)

.PHONY: lint
lint:  ## Check style, types and the direction of imports
	@$(READY) $(DONE)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

.PHONY: format
format:  ## Put all files into the common format
	@$(READY) $(DONE)/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench:  ## Measure the shop beside the limits of its stack (ARGS="--seconds 2" for a quick look)
	@$(READY) $(DONE)/dev
	@exec $(PY) -m bench $(ARGS)

.PHONY: docs
docs:  ## Build the documentation into site/
	@$(READY) $(DONE)/dev
	$(BIN)/mkdocs build --strict
	@echo "The documentation is in site/index.html"

.PHONY: docs-generate
docs-generate:  ## Write the generated pages of docs/reference anew
	@$(READY) $(DONE)/dev
	$(PY) -m scripts.reference

.PHONY: setup
setup:  ## Only install: the package, its plugins and the tools of development
	@$(READY) $(DONE)/dev

.PHONY: clean
clean:  ## Delete the environment and everything built; the demo's data in .demo stays
	rm -rf $(VENV) site dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

# What is installed; each file is newer than what it was made from, so that a second run installs nothing.

$(DONE)/venv:
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet 'pip>=25.1'  # the first that knows dependency groups; Debian 12 brings 23.0
	@mkdir -p $(DONE) && touch $@

$(DONE)/runtime: $(DONE)/venv pyproject.toml constraints.txt $(PLUGINS:%=%/pyproject.toml)
	@echo "Installing ShopKit and what it needs; this takes a minute the first time."
	@$(INSTALL) --editable ".[embedded]" $(PLUGINS:%=--editable ./%)
	@touch $@

$(DONE)/dev: $(DONE)/runtime
	@echo "Installing the tools for tests, checks and documentation."
	@$(INSTALL) --group dev
	@touch $@
