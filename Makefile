# Every target makes the environment it needs, from Python 3.11+ and pip alone.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# One more than cores: tests wait for processes and for time as well.
WORKERS ?= 3

# An environment has one Python for life. Asking for another one is answered rather than ignored.
ifneq ($(origin PYTHON),file)
ifneq ($(filter-out help clean,$(or $(MAKECMDGOALS),help)),)
THERE := $(shell $(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
ASKED := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
ifeq ($(ASKED),)
$(error PYTHON=$(PYTHON) can't be run)
endif
ifneq ($(THERE),)
ifneq ($(THERE),$(ASKED))
$(error The environment in $(VENV) has Python $(THERE), and PYTHON=$(PYTHON) is $(ASKED): run `make clean` first, or add VENV=.venv-$(ASKED))
endif
endif
endif
endif

.PHONY: help env fmt lint types test soak chaos bench bench-peers charts pictures docs demo clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 13

env: $(STAMP)  ## make the environment

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Tasker needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Say which one to use: make PYTHON=python3.12 ...")'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV)
	@echo "installing Tasker and its development tools into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

fmt: $(STAMP)  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(STAMP)  ## ruff and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(STAMP)  ## mypy --strict
	$(BIN)/mypy

test: lint types  ## everything that must hold, below ten minutes
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup

soak: $(STAMP)  ## the long searches
	$(BIN)/python -m tests.soak

chaos: $(STAMP)  ## kill, stop and restart everything, and count
	$(BIN)/python -m tests.chaos

bench: $(STAMP)  ## the benchmarks; figures are ratios measured in one run
	$(BIN)/python -m bench

bench-peers: $(STAMP)  ## the same beside other systems, each installed in an environment of its own
	$(BIN)/python -m bench --peers

charts: $(STAMP)  ## charts and the table of figures in docs/, from the newest results
	$(BIN)/python -m bench.charts

pictures: $(STAMP)  ## pictures of the dashboard's pages into docs/, with the system's Chromium
	$(BIN)/python -m tests.doors.dashboard.shots

demo: $(STAMP)  ## the checkout example: happy, declined, timed out, killed
	$(BIN)/python -m examples.checkout.demo

docs: $(STAMP)  ## run every code block of the README and of docs/
	$(BIN)/pytest -q tests/docs

clean:
	rm -rf $(VENV) .build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
