# make demo    see podwire work on a simulated cluster: needs Python 3.11 or newer, nothing else
# make test    every test that needs nothing but Python
# make check   linters, types, import rules, then the tests
# make simulation  more schedules of the simulated pipeline, as in ARGS='--schedules 100000 --first-seed 1000000' (docs/simulation.md)
# make mutants     sees that the simulation finds faults put into podwire's cores: some minutes
# make faults  fault scenarios on the sandbox: a quarter of an hour (docs/faults.md)
# make containers  the image, compose up and each container's faults: some minutes (needs an engine and Compose)
# make chaos   random faults against podwire, for as long as wanted (ARGS=--help)
# make docs    the pages that are made from the code
# make bench   what a sync costs next to a bare reader and to the typed client, how soon an event arrives: half an hour (ARGS=--help)
# make bench-check whether a hot path has become slower than bench/baseline.json allows: seconds
# make clean   removes what these made

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What `podwire up --demo`, a benchmark or a check is told, as in: make demo ARGS='--for 15'
ARGS ?=
# What pytest is told, as in: make test TESTS='tests/relay -x'
TESTS ?=

.PHONY: demo test simulation mutants faults containers chaos check lint docs bench bench-check clean
.DEFAULT_GOAL := demo

demo: $(VENV)/.installed
	@$(BIN)/podwire up --demo $(ARGS)

# Two processes: more get in each other's way on a small machine, and the e2e tests start processes of their own.
test: $(VENV)/.installed-dev
	$(BIN)/pytest -n 2 -m 'not cluster and not apiserver and not faults and not docker' $(TESTS)

simulation: $(VENV)/.installed-dev
	$(BIN)/pytest -n auto tests/simulation/test_schedules.py $(ARGS)

mutants: $(VENV)/.installed-dev
	$(BIN)/python -m tests.simulation.mutants $(ARGS)

# By files, so that scenarios of one place (a DNS server's, a namespace's) follow each other.
faults: $(VENV)/.installed-dev
	$(BIN)/pytest -n 2 --dist loadfile -m 'faults and not long and not cluster' $(TESTS) tests/e2e

containers: $(VENV)/.installed-dev
	$(BIN)/pytest -s -m docker $(TESTS)

chaos: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.chaos $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

docs: $(VENV)/.installed
	$(BIN)/python docs/generate.py

bench: $(VENV)/.installed-bench
	$(BIN)/python -m bench $(ARGS)

bench-check: $(VENV)/.installed
	@$(BIN)/python -m bench.regression $(ARGS)

clean:
	rm -rf $(VENV) *.egg-info build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: a second call finds them newer than pyproject.toml and starts at once.
$(VENV)/.installed: pyproject.toml | $(VENV)/.made
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/.made
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(VENV)/.installed $@

$(VENV)/.installed-bench: pyproject.toml | $(VENV)/.made
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $(VENV)/.installed $@

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "podwire needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + ": call make with PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	@touch $@
