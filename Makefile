# Each target does its own set-up; a second run installs nothing.
#   make demo          the method on the small model in the box
#   make test          all tests
#   make soak          the tests that take many minutes: chaos in full
#   make test-instructor  the structured output through the real instructor
#   make bench-rubrics judging beside autorubric and rubric, in an environment of their own
#   make bench-runtime the runtime beside its peers, which get environments of their own
#   make check         style, types, layers, then all tests
#   make test-pythons  the core tests on each Python found from 3.11 to 3.13
#   make maps          write the file map of docs/architecture.md anew
#   make clean         remove the environments and all that was built
#
# VENV=path puts the environment elsewhere; PYTHON=path picks the interpreter;
# TORCH="torch==... --some-pip-option" chooses another build of torch.

VENV   ?= .venv
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	2>/dev/null && echo $$p && break; done)
TORCH  ?= torch
WORKERS ?= 2
ARGS   ?=

BIN := $(VENV)/bin
PIP  = $(BIN)/python -m pip --disable-pip-version-check -qq
# One thread for each test process: on two cores torch with two threads spins at every operator.
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help install demo test soak bench-runtime bench-rubrics test-instructor check lint types layers test-pythons maps clean

help:
	@sed -n '2,/^$$/s/^#  *//p' Makefile

# --- environments -------------------------------------------------------------------------
# torch comes first and alone: asked for by another package, pip may choose a build for GPUs.
$(VENV)/.torch: constraints/main.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 (with venv) is needed; set PYTHON=path"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing torch into $(VENV)"
	@$(PIP) install 'pip>=25.1'
	@$(PIP) install $(TORCH) -c constraints/main.txt
	@touch $@

$(VENV)/.demo: $(VENV)/.torch pyproject.toml constraints/main.txt
	@echo "installing catsdk into $(VENV)"
	@$(PIP) install -c constraints/main.txt -e '.[local,plot]'
	@touch $@

$(VENV)/.installed: $(VENV)/.torch pyproject.toml constraints/main.txt
	@echo "installing catsdk and its tools into $(VENV)"
	@$(PIP) install -c constraints/main.txt -e '.[agreement,anthropic,local,plot,train]' --group dev
	@touch $@

install: $(VENV)/.installed

# --- the application ----------------------------------------------------------------------
# Takes the full environment where there is one, else a smaller one that is quicker to make.
demo: $(if $(wildcard $(VENV)/.installed),$(VENV)/.installed,$(VENV)/.demo)
	@$(BIN)/catsdk demo $(ARGS)

# --- tests and checks ---------------------------------------------------------------------
test: install
	@$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

soak: install
	@$(BIN)/python -m pytest -m soak -s -o faulthandler_timeout=3600 $(ARGS)

# instructor holds the openai SDK back: it has an environment of its own, without torch. It is
# imported first, because the tests would be skipped where it is missing.
INSTRUCTOR := $(VENV)-instructor
$(INSTRUCTOR)/.installed: pyproject.toml constraints/litellm.txt
	@test -x $(INSTRUCTOR)/bin/python || $(PYTHON) -m venv $(INSTRUCTOR)
	@echo "installing instructor into $(INSTRUCTOR)"
	@$(INSTRUCTOR)/bin/python -m pip --disable-pip-version-check -qq install 'pip>=25.1'
	@$(INSTRUCTOR)/bin/python -m pip --disable-pip-version-check -qq install -c constraints/litellm.txt -e '.[instructor]' --group test
	@touch $@

test-instructor: $(INSTRUCTOR)/.installed
	@$(INSTRUCTOR)/bin/python -c 'import instructor'
	@$(INSTRUCTOR)/bin/python -m pytest tests/middleware/test_structured.py

check: lint types layers test

lint: install
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@echo "style: clean"

types: install
	@$(BIN)/mypy --no-error-summary
	@echo "mypy: clean"
	@$(BIN)/pyright --pythonpath $(BIN)/python

layers: install
	@$(BIN)/lint-imports --no-logo

# --- benchmarks ---------------------------------------------------------------------------
# Each peer has an environment of its own; optillm asks for torch, which comes first as above.
PEERS := openai litellm its_hub dspy optillm
PEER_openai  := 'openai[aiohttp]'
PEER_litellm := litellm
PEER_its_hub := 'its_hub[lm]'
PEER_dspy    := dspy
PEER_optillm := optillm

.venv-peers/%/.installed: constraints/peers.txt
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@echo "installing $* into $(@D)"
	@$(@D)/bin/python -m pip --disable-pip-version-check -qq install 'pip>=25.1'
	@test $* != optillm || $(@D)/bin/python -m pip -qq install $(TORCH) -c constraints/peers.txt
	@$(@D)/bin/python -m pip -qq install $(PEER_$*) -c constraints/peers.txt
	@touch $@

PEER_autorubric := autorubric rubric 'openai[aiohttp]'
bench-rubrics: install .venv-peers/autorubric/.installed
	@$(BIN)/python -m benchmarks.rubrics --peers .venv-peers/autorubric/bin/python $(ARGS)

bench-runtime: install $(PEERS:%=.venv-peers/%/.installed)
	@$(BIN)/python benchmarks/runtime.py $(ARGS)

test-pythons:
	@VENV=$(VENV) WORKERS=$(WORKERS) bash tests/on_each_python.sh

maps: install
	@$(BIN)/python docs/maps.py

clean:
	rm -rf $(VENV) .venv-* .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
