# `make run` and `make test` need Python 3.11 or newer, pip and make; no compiler.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# Tests run in so many processes, a file in each at a time.
WORKERS ?= 2
PYTEST = $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile
PIP = $(BIN)/python -m pip --quiet --disable-pip-version-check
# The build back end is installed like all else, pinned, so that no unpinned one is fetched for the build.
INSTALL = $(PIP) install -c constraints.txt hatchling && \
          $(PIP) install -c constraints.txt --no-build-isolation --editable

# Rows of the table of reliability and their sizes, `kills=20 soak=1`; all in full if there are none.
ROWS ?=

.PHONY: run test test-slow test-reliability lint types bench clean
.NOTPARALLEL:

run: $(VENV)/installed
	$(BIN)/eventsim run digits-attention

test: $(VENV)/installed-dev
	$(PYTEST) -m "not slow"

test-slow: $(VENV)/installed-dev
	$(PYTEST) -m slow

test-reliability: $(VENV)/installed-dev
	$(BIN)/python -m tests.reliability $(ROWS)

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo

types: $(VENV)/installed-types
	$(BIN)/pyright --project pyproject.toml --pythonpath $(BIN)/python

bench: $(VENV)/installed
	$(BIN)/eventsim bench

clean:
	rm -rf $(VENV) out build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/installed: $(VENV)/pyvenv.cfg pyproject.toml constraints.txt
	$(INSTALL) .
	@touch $@

# The development tools come on top of the same installation, which `make run` then need not repeat.
$(VENV)/installed-dev: $(VENV)/pyvenv.cfg pyproject.toml constraints.txt
	$(INSTALL) ".[dev]"
	@touch $@ $(VENV)/installed

$(VENV)/installed-types: $(VENV)/pyvenv.cfg pyproject.toml constraints.txt
	$(INSTALL) ".[types]"
	@touch $@ $(VENV)/installed

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "eventsim needs Python 3.11 or newer, and $(PYTHON) is not; try: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -f $@; \
	    echo "cannot create $(VENV): install Python's venv module (Debian: apt install python3-venv)" >&2; exit 1; }
