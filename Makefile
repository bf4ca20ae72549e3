# Two commands do all: `make demo` and `make test`. Each sets up what it needs first.

SHELL := /bin/bash
UV_VERSION := 0.13.8
# The uv on PATH if it runs in this folder (a pyenv shim may not), else our own in .uv.
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv || echo .uv/bin/uv)
# The container image has another environment, of the packages that runs need alone.
VENV := .venv
LOCK := requirements.txt
PYTHON := $(VENV)/bin/python
ENVIRONMENT := $(VENV)/.synced
# A process for each core, up to four: each takes 2 GB. A file's tests share what they set up.
PYTEST := $(PYTHON) -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile
# The TPU compiler wants a newer Python and other packages than the pipeline.
PREFLIGHT := .venv-preflight/.synced

.PHONY: help setup install demo study test test-slow preflight lint format check lock clean

help:  ## Show the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(ENVIRONMENT)  ## Install the locked environment into .venv.

install: $(ENVIRONMENT)  ## Install this project into the environment as well; images need it.
	$(UV) pip install --quiet --no-deps --no-build-isolation --compile-bytecode --python $(VENV) .

demo: $(ENVIRONMENT)  ## Run the whole pipeline on generated click logs.
	$(PYTHON) run_local.py --preset demo

study: $(ENVIRONMENT)  ## Train the study of sizes, variants and ways to train; take it up again.
	$(PYTHON) -m pipeline.study --config sizes

preflight: $(ENVIRONMENT) $(PREFLIGHT)  ## Compile the train steps for TPUs, without a TPU.
	$(PYTHON) -m pipeline.preflight

test: $(ENVIRONMENT)  ## Run the fast tests.
	$(PYTEST)

test-slow: $(ENVIRONMENT) $(PREFLIGHT)  ## Run the end-to-end tests.
	$(PYTEST) -m slow

lint: $(ENVIRONMENT)  ## Check style and types.
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

format: $(ENVIRONMENT)  ## Format the sources.
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

check: lint test test-slow  ## Everything that CI checks.

COMPILE = $(UV) pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --python-version 3.10 --custom-compile-command "make lock" pyproject.toml

lock: $(UV)  ## Resolve the packages into the locks, with hashes.
	$(COMPILE) --extra dev --output-file requirements.txt
	$(COMPILE) --constraint requirements.txt --output-file requirements-runtime.txt
	$(UV) pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --python-version 3.11 --custom-compile-command "make lock" \
	  requirements-preflight.in --output-file requirements-preflight.txt

clean:  ## Remove the environment, caches and runs.
	rm -rf .venv .venv-preflight .uv .mypy_cache .pytest_cache .ruff_cache .hypothesis runs
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# `.python-version` may name a Python that pyenv lacks, so any python3 that can make a virtual
# environment will do for uv.
.uv/bin/uv:
	@for python in python3 /usr/bin/python3; do \
	  $$python -m venv .uv >/dev/null 2>&1 && break; \
	done; \
	test -x .uv/bin/pip || { \
	  echo "setup: no python3 here can make a virtual environment;" \
	    "install the venv module (Debian: apt install python3-venv) or uv itself" >&2; exit 1; }
	.uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# A file's time tells whether the environment is as locked, so a second run installs nothing. The
# byte code is compiled here: where Python may not write it later, each start would cost 7 s more.
$(ENVIRONMENT): $(LOCK) .python-version | $(UV)
	$(UV) venv --quiet --allow-existing --python "$$(cat .python-version)" $(VENV)
	$(UV) pip sync --quiet --require-hashes --compile-bytecode --python $(VENV) $(LOCK)
	@touch $@

$(PREFLIGHT): requirements-preflight.txt | $(UV)
	@$(UV) venv --quiet --allow-existing --python 3.11 .venv-preflight || { \
	  echo "preflight: expected a Python 3.11 that uv finds or may download, found none" >&2; exit 1; }
	$(UV) pip sync --quiet --require-hashes --python .venv-preflight requirements-preflight.txt
	@touch $@
