#!/usr/bin/env bash
# Compares Stopbath with Python diffusers on the built-in model and writes result.json; arguments go to parity.py.
# `run.sh tiny` instead makes the tiny models of e2e/fixtures/tiny and the numbers that pipelines.test.ts holds ours against.
# PARITY_VENV names a Python environment that already has the packages of requirements.txt.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
venv="${PARITY_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/stopbath-parity}"
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet -r "$here/requirements.txt"
fi
export PATH="$here/../../node_modules/.bin:$PATH"
if [ "${1:-}" = tiny ]; then
  shift
  "$venv/bin/python" "$here/tiny/make_models.py"
  exec "$venv/bin/python" "$here/tiny/make_pipeline_goldens.py" "$@"
fi
exec "$venv/bin/python" "$here/parity.py" "$@"
