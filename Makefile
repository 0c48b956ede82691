# Every target does its own set-up. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
LOCKED := $(PIP) install --require-hashes
# From this folder, with the backend that the locks brought: nothing is fetched.
OURSELVES := $(PIP) install --no-index --no-deps --no-build-isolation
# WHEEL=1 installs the built wheel instead of this folder: what CI tests is what users get.
WHEEL ?=
DEMO ?= shipworthy-demo

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-agent demo-full test test-lowest test-newest count lint docs bench build relock clean browser

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The locks (requirements/) say exactly what is installed; `make relock` renews them. pip's own version is one of them.
$(VENV)/.build: requirements/build.txt
	@echo "== creating $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit("shipworthy needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV)
	@$(LOCKED) -r requirements/build.txt
	@touch $@

# What a user installs: the core and the local model.
$(VENV)/.core: pyproject.toml requirements/local.txt $(VENV)/.build $(if $(WHEEL),dist/.built)
	@echo "== installing shipworthy"
	@$(LOCKED) -r requirements/local.txt
ifdef WHEEL
	@$(OURSELVES) --force-reinstall dist/*.whl
else
	@$(OURSELVES) -e .
endif
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.core
	@echo "== installing test, lint and docs tools"
	@$(LOCKED) -r requirements/dev.txt
	@touch $@

$(VENV)/.model: $(VENV)/.core
	@$(BIN)/shipworthy model pull smollm2
	@touch $@

setup: $(VENV)/.dev $(VENV)/.model ## Create .venv with everything the other targets need

demo: $(VENV)/.core $(VENV)/.model ## Evaluate, decide and prove on a real model; at most ten minutes
	@$(BIN)/shipworthy demo $(DEMO)

demo-agent: $(VENV)/.core $(VENV)/.model ## An agent with tools, injected through a mail, without and with a policy
	@$(BIN)/shipworthy demo $(DEMO)-agent --agent

demo-full: $(VENV)/.core $(VENV)/.model ## The same over every sample, attack and attempt (hours)
	@$(BIN)/shipworthy demo $(DEMO) --plan full

test: setup ## Run every test
	@$(BIN)/python -m pytest -n 2

count: $(VENV)/.dev ## Count test functions and cases, beside the lines of source
	@$(BIN)/python bench/count.py

lint: $(VENV)/.dev ## ruff, mypy --strict, import-linter, spelling, workflow and project files
	@sh .ci/lint

docs: $(VENV)/.dev ## Build the documentation into site/
	@$(BIN)/mkdocs build --strict

bench: setup ## Measure what we promise, beside the peers and the floor
	@$(BIN)/python bench/run.py

build: dist/.built ## Build the wheel and the source distribution into dist/

dist/.built: pyproject.toml README.md $(shell find src -type f -not -name '*.pyc') $(VENV)/.build
	@echo "== building the wheel"
	@rm -rf dist && $(BIN)/python -m build --no-isolation --outdir dist . >/dev/null && ls dist
	@touch $@

# The wheel among the lowest versions that pyproject.toml allows, and among the newest there are. Without the tests that
# take long, since these look at the libraries only.
WIDE := -q -n 2 -m "not model and not slow"

.venv-%/.made: requirements/build.txt
	@$(PYTHON) -m venv .venv-$*
	@.venv-$*/bin/python -m pip --disable-pip-version-check -q install --require-hashes -r requirements/build.txt
	@touch $@

test-lowest: .venv-lowest/.made dist/.built ## Run the tests on the lowest versions pyproject.toml allows (Python 3.11)
	@.venv-lowest/bin/python -m pip --disable-pip-version-check -q install --require-hashes -r requirements/lowest.txt
	@.venv-lowest/bin/python -m pip --disable-pip-version-check -q install --no-index --no-deps --force-reinstall dist/*.whl
	@SHIPWORTHY_ONE_VERIFIER=1 .venv-lowest/bin/python -m pytest $(WIDE)

test-newest: .venv-newest/.made dist/.built ## Run the tests on the newest versions there are, locked or not
	@.venv-newest/bin/python -m pip --disable-pip-version-check -q install -U "$$(echo dist/*.whl)[local]" --group test
	@.venv-newest/bin/python -m pip --disable-pip-version-check -q install --no-index --no-deps --force-reinstall dist/*.whl
	@if .venv-newest/bin/python .ci/newer; then SHIPWORTHY_ONE_VERIFIER=1 .venv-newest/bin/python -m pytest $(WIDE); \
	else echo "the newest versions are the locked ones: make test tests them"; fi

relock: .venv-relock/.ready ## Renew every lock: the newest versions that pyproject.toml allows
	@UV=.venv-relock/bin/uv .ci/relock

.venv-relock/.ready: requirements/relock.txt
	@$(PYTHON) -m venv .venv-relock
	@.venv-relock/bin/python -m pip --disable-pip-version-check -q install --require-hashes -r requirements/relock.txt
	@touch $@

browser: ## Install Chromium and PDF tools for the page tests (Debian, as root)
	@command -v chromium >/dev/null && command -v pdftoppm >/dev/null || (apt-get update -qq && apt-get install -y -qq chromium poppler-utils)

clean: ## Remove what the targets made, but for the demo's workspace
	rm -rf $(VENV) .venv-* dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
