#!/usr/bin/env bash
# Run the core tests, without torch, on each Python from 3.11 to 3.13 found on the path or
# under pyenv. PYTHONS="path path" picks the interpreters; VENV is the prefix of the
# environments that are made and kept.
set -euo pipefail
cd "$(dirname "$0")/.."
prefix=${VENV:-.venv}

supported() {
  "$1" -c 'import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null
}

candidates() {
  if [ -n "${PYTHONS:-}" ]; then
    printf '%s\n' $PYTHONS
    return
  fi
  for version in 3.11 3.12 3.13; do
    command -v "python$version" || true
    if command -v pyenv >/dev/null; then
      ls -d "$(pyenv root)"/versions/"$version".*/bin/python 2>/dev/null || true
    fi
  done
}

# Only what needs no model in this process and no optional vendor.
tests=(
  tests/core tests/runtime tests/answers tests/prompts tests/sampling tests/estimators tests/rewards
  tests/rubrics tests/method tests/test_cat.py tests/test_event_loops.py
)

declare -A tested
while read -r python; do
  supported "$python" || continue
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  [ -z "${tested[$version]:-}" ] || continue
  venv=$prefix-$version
  stamp=$venv/.installed
  if [ ! -e "$stamp" ] || [ pyproject.toml -nt "$stamp" ] || [ constraints/main.txt -nt "$stamp" ]; then
    echo "Python $version: installing into $venv"
    [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
    pip="$venv/bin/python -m pip --disable-pip-version-check -qq install"
    $pip 'pip>=25.1'
    $pip -c constraints/main.txt -e . --group test
    touch "$stamp"
  fi
  echo "Python $version:"
  "$venv/bin/python" -m pytest -q -n "${WORKERS:-2}" -m 'not needs_torch and not slow' "${tests[@]}"
  tested[$version]=yes
done < <(candidates)

if [ ${#tested[@]} -eq 0 ]; then
  echo "no Python from 3.11 to 3.13 found; set PYTHONS" >&2
  exit 1
fi
echo "core tests passed on Python ${!tested[*]}"
