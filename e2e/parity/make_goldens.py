"""Writes electron/engine/schedulers/golden/*.json from the reference implementation.

Run: python e2e/parity/make_goldens.py  (packages of requirements.txt)
The runs are listed in goldens/rows.py, how one is made in goldens/reference.py. float32 values have nine digits, which
name one float32; quantiles have seventeen.
"""
import json
import logging
import pathlib
import warnings

import diffusers
import numpy as np
import scipy
import torch

from goldens.reference import RAMP, run, values
from goldens.rows import rows
from goldens.tables import quantiles, tables

OUT = pathlib.Path(__file__).resolve().parents[2] / "electron/engine/schedulers/golden"

# Of every sample but the last two values are kept, of the last all sixteen.
KEPT = (0, 7)
RUN_KEYS = ("sampler", "steps", "eta", "begin", "end", "timesteps", "sigmas", "mu")


def trajectory(row):
    result = run(**row)
    return {
        **{key: row[key] for key in RUN_KEYS if key in row},
        "config": {key: value for key, value in row.items() if key not in RUN_KEYS},
        "list": rounded(result["timesteps"]),
        "initNoiseSigma": rounded(result["initNoiseSigma"]),
        "path": [[rounded(sample[i]) for i in KEPT] for sample in result["samples"]],
        "last": rounded(result["samples"][-1]),
    }


def compact(value):
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def write(name, value):
    OUT.mkdir(parents=True, exist_ok=True)
    versions = {"torch": torch, "diffusers": diffusers, "numpy": np, "scipy": scipy}
    made = {name: module.__version__ for name, module in versions.items()}
    text = json.dumps({"madeWith": made})[:-1] + ',"rows":' + value + "}\n"
    (OUT / name).write_text(text)


def rounded(value):
    """Nine digits hold a float32 exactly."""
    if isinstance(value, float):
        return int(value) if value == int(value) else float(f"{value:.9g}")
    if isinstance(value, list):
        return [rounded(v) for v in value]
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return value


def listed(items):
    return "[\n" + ",\n".join(compact(item) for item in items) + "\n]"


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    diffusers.utils.logging.set_verbosity(logging.ERROR)
    write("trajectories.json", listed(trajectory(row) for row in rows()))
    ramps = {"sin": rounded(values(torch.sin(RAMP))), "cos": rounded(values(torch.cos(RAMP)))}
    write("tables.json", compact({**rounded(tables()), **ramps, "quantiles": quantiles()}))
