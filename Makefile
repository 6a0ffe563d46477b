# The two commands: `make demo` runs real simulated calls, `make test` runs the tests.
# Everything is started as `.venv/bin/python -m …`, so that a path with spaces does no harm.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PORT ?= 8000
CARRIER_PORT ?= 8900
CALLS ?= 8
DEMO_LLM ?= 0

.PHONY: help demo test slow-test chaos-test lint types browser-test requirements clean
.DEFAULT_GOAL := help

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(VENV)/ready: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "==> Installing packages into $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check "$$(grep -E '^uv==' requirements.txt)"
	@$(PY) -m uv pip sync --python $(PY) requirements.txt
	@touch $@

demo: $(VENV)/ready ## Install, migrate, seed, start everything and run simulated calls
	@$(PY) manage.py demo --calls $(CALLS) --port $(PORT) --carrier-port $(CARRIER_PORT) $(if $(filter-out 0,$(DEMO_LLM)),--with-llm)

# Three workers for two cores: some are always waiting, for sound to be spoken or a server to start.
test: $(VENV)/ready ## Install and run the tests (SQLite, no server needed)
	@echo "==> Tests of every part"
	@$(PY) -m pytest -n 3 -m "not browser and not whole_call and not slow and not chaos" --ignore=tests/browser --durations=5
	@echo "==> Whole calls, on the product's real processes"
	@$(PY) -m pytest -m "whole_call and not slow" tests/test_whole_*.py
	@echo "==> All tests passed"

slow-test: $(VENV)/ready ## Tests that take long: whole transfers, long runs of the money's machine
	@$(PY) -m pytest -n 2 -m slow

chaos-test: $(VENV)/ready ## Break everything while calls are made (needs PostgreSQL and Redis installed)
	@$(PY) -m pytest -m chaos

lint: $(VENV)/ready ## Linter, formatter, import directions, migrations
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -c "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"
	@$(PY) manage.py makemigrations --check --dry-run

types: $(VENV)/ready ## Strict types
	@$(PY) -m mypy .

browser-test: $(VENV)/ready ## The admin in Chromium (Debian package chromium)
	@DJANGO_ALLOW_ASYNC_UNSAFE=true $(PY) -m pytest -m browser tests/browser

requirements: ## Pin every version again
	@$(PY) -m uv pip compile pyproject.toml --quiet --group dev --upgrade --no-emit-index-url --output-file requirements.txt --custom-compile-command "make requirements"

clean: ## Remove what the demo and the tests made
	rm -rf var .pytest_cache .mypy_cache .ruff_cache .hypothesis
