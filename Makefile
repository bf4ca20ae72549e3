# Two commands do all: `make demo` and `make test`. Each sets up what it needs first.

SHELL := /bin/bash
UV_VERSION := 0.13.8
# The uv on PATH if it runs in this folder (a pyenv shim may not), else our own in .uv.
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv || echo .uv/bin/uv)
PYTHON := .venv/bin/python
ENVIRONMENT := .venv/.synced

.PHONY: help setup demo test test-slow lint format check lock clean

help:  ## Show the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(ENVIRONMENT)  ## Install the locked environment into .venv.

demo: $(ENVIRONMENT)  ## Run the whole pipeline on generated click logs.
	$(PYTHON) run_local.py --preset demo

test: $(ENVIRONMENT)  ## Run the fast tests.
	$(PYTHON) -m pytest

test-slow: $(ENVIRONMENT)  ## Run the end-to-end tests.
	$(PYTHON) -m pytest -m slow

lint: $(ENVIRONMENT)  ## Check style and types.
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

format: $(ENVIRONMENT)  ## Format the sources.
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

check: lint test test-slow  ## Everything that CI checks.

lock: $(UV)  ## Resolve pyproject.toml into requirements.txt, with hashes.
	$(UV) pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --extra dev --python-version 3.10 --custom-compile-command "make lock" \
	  pyproject.toml --output-file requirements.txt

clean:  ## Remove the environment, caches and runs.
	rm -rf .venv .uv .mypy_cache .pytest_cache .ruff_cache .hypothesis runs
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
$(ENVIRONMENT): requirements.txt .python-version | $(UV)
	$(UV) venv --quiet --allow-existing --python "$$(cat .python-version)" .venv
	$(UV) pip sync --quiet --require-hashes --compile-bytecode --python .venv requirements.txt
	@touch $@
