#!/usr/bin/env bash
# Starts peers.py, which draws with optimum's ONNX pipeline and with plain diffusers; arguments go to it.
# PEERS_VENV names a Python environment that already has the packages of peers.requirements.txt. The first run makes one and
# the larger benchmark model, both in the cache folder.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
cache="${XDG_CACHE_HOME:-$HOME/.cache}"
venv="${PEERS_VENV:-$cache/stopbath-peers}"
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv" >&2
  "$venv/bin/pip" install --quiet -r "$here/peers.requirements.txt" >&2
fi
model="$cache/stopbath-bench-model"
if [ ! -f "$model/model_index.json" ]; then
  "$venv/bin/python" "$here/../parity/tiny/make_models.py" --bench "$model.new" >&2
  rm -rf "$model"
  mv "$model.new" "$model"
fi
exec "$venv/bin/python" "$here/peers.py" --bench-model "$model" "$@"
