# Two commands for a newcomer: `make demo` and `make test`. Both set up everything in .venv by themselves.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# Options of the tests: make test PYTEST="--allowed-skips tests/allowed_skips.txt"
PYTEST ?=

.PHONY: demo test test-editors check format generated bench site release clean

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "ksrcfind needs Python 3.11 or later; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "Python's venv module is missing. On Debian or Ubuntu: sudo apt-get install python3-venv" >&2; exit 1; }
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(STAMP)
	@$(BIN)/python fixtures/linux-mini/build.py demo/linux-mini
	@$(BIN)/ksrcfind --repo demo/linux-mini \
	  "May 23 02:06:26 host kernel: [40872.663481] Memory cgroup out of memory: OOM victim 46452 (nginx) is already exiting. Skip killing the task"

test: $(STAMP)
	@$(BIN)/pytest -n auto $(PYTEST)

test-editors: $(STAMP)
	@$(BIN)/pytest tests/test_editors.py tests/test_terminal_recipes.py

check: $(STAMP)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/pytest -q tests/test_layering.py tests/test_docs.py tests/test_manual.py tests/test_packaging.py

format: $(STAMP)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

# Everything that a script writes: outputs and tables in documents, manual pages, the table of completions.
generated: $(STAMP)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python docs/regenerate.py

# make release: builds and tries; uploads nothing. make release DRAFT=--draft: before the changelogs are finished.
release: $(STAMP)
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev,release]'
	@$(BIN)/python tools/release.py $(DRAFT)

# make bench REPO=~/src/linux
bench: $(STAMP)
	@$(BIN)/python -m bench --repo "$(REPO)"

# The documentation as a site, in site/; every link is checked.
site: $(STAMP)
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[site]'
	@$(BIN)/python docs/site.py

clean:
	rm -rf $(VENV) demo dist site
