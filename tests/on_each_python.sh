#!/usr/bin/env bash
# Run the core tests, without torch, against the wheel, on each Python from 3.11 to 3.14 found on the
# path or under pyenv. PYTHONS="path path" picks the interpreters, WHEEL a wheel that is built already;
# VENV is the prefix of the environments that are made and kept.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
prefix=$(realpath -m "${VENV:-.venv}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PIP_DISABLE_PIP_VERSION_CHECK=1

supported() {
  "$1" -c 'import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null
}

candidates() {
  if [ -n "${PYTHONS:-}" ]; then
    tr ' ' '\n' <<<"$PYTHONS"
    return
  fi
  for version in 3.11 3.12 3.13 3.14; do
    command -v "python$version" || true
    if command -v pyenv >/dev/null; then
      ls -d "$(pyenv root)"/versions/"$version".*/bin/python 2>/dev/null || true
    fi
  done
}

# The tests lie beside no source here: what they import is what the wheel brought. One of them reads
# the answers of a benchmark.
mkdir "$work/checkout"
cp -r pyproject.toml tests benchmarks "$work/checkout"

# Only what needs no model in this process and no optional vendor.
tests=(
  tests/core tests/runtime tests/answers tests/prompts tests/sampling tests/estimators tests/rewards
  tests/rubrics tests/method tests/test_cat.py tests/test_event_loops.py
)

wheel=${WHEEL:+$(realpath -m "$WHEEL")}
declare -A tested=()
while read -r python; do
  supported "$python" || continue
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  [ -z "${tested[$version]:-}" ] || continue
  venv=$prefix-$version
  stamp=$venv/.installed
  pip=("$venv/bin/python" -m pip -qq)
  if [ -z "${WHEEL:-}" ] && [ ${#tested[@]} -eq 0 ]; then
    "$python" -m venv "$work/build"
    "$work/build/bin/python" -m pip wheel -qq --no-deps -w "$work" "$root"
    wheel=$(echo "$work"/compute_as_teacher-*.whl)
  fi
  if [ ! -e "$stamp" ] || [ pyproject.toml -nt "$stamp" ] || [ constraints/main.txt -nt "$stamp" ]; then
    echo "Python $version: installing into $venv"
    [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
    "${pip[@]}" install 'pip>=25.1'
    "${pip[@]}" install -c constraints/main.txt "$wheel" --group test
    touch "$stamp"
  fi
  "${pip[@]}" install --no-deps --force-reinstall "$wheel"
  echo "Python $version:"
  (
    cd "$work/checkout"
    "$venv/bin/python" -m pytest -q -n "${WORKERS:-2}" -o pythonpath=. \
      -m 'not needs_torch and not slow' "${tests[@]}"
    OPENAI_API_KEY=none "$venv/bin/catsdk" doctor --offline --model openai:gpt-5
  )
  tested[$version]=yes
done < <(candidates)

if [ ${#tested[@]} -eq 0 ]; then
  echo "no Python from 3.11 to 3.14 found; set PYTHONS" >&2
  exit 1
fi
echo "core tests passed on Python ${!tested[*]}"
