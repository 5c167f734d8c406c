"""Writes electron/engine/latents/golden/tiles.json: what diffusers' tiled VAE makes of a formula's values, for the tiny VAE.

Run: python e2e/fullsize/make_tile_goldens.py  (packages of e2e/parity/requirements.txt)
Kept are the sides of every result, and every so many values of it: `every` is prime to the sides, so that all columns come up.
"""

import json
import pathlib
import sys

import diffusers
import numpy as np
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "e2e/parity/tiny"))
from models import vae  # noqa: E402

OUT = ROOT / "electron/engine/latents/golden/tiles.json"
EVERY = 53
# Height and width in latents, and the side of a tile: diffusers allows any.
DECODES = [((20, 13), 8), ((16, 16), 8), ((9, 25), 8), ((15, 11), 6), ((8, 8), 8), ((7, 30), 16)]
ENCODES = [((16, 20), 8), ((11, 9), 6)]


def values(count, scale):
    """The same in tiles.test.ts."""
    return torch.tensor(np.sin(np.arange(count, dtype=np.float64) * 0.7) * scale, dtype=torch.float32)


def record(kind, sides, tile, result):
    flat = result.flatten()[::EVERY].tolist()
    return {"kind": kind, "sides": sides, "tile": tile, "dims": list(result.shape), "values": [round(value, 7) for value in flat]}


def main():
    model = vae()
    model.enable_tiling()
    cases = []
    with torch.no_grad():
        for (height, width), tile in DECODES:
            model.tile_latent_min_size, model.tile_sample_min_size = tile, tile * 8
            latents = values(4 * height * width, 4.0).reshape(1, 4, height, width)
            cases.append(record("decode", [height, width], tile, model.tiled_decode(latents).sample))
        for (height, width), tile in ENCODES:
            model.tile_latent_min_size, model.tile_sample_min_size = tile, tile * 8
            pixels = values(3 * height * width * 64, 0.9).reshape(1, 3, height * 8, width * 8)
            cases.append(record("encode", [height, width], tile, model._tiled_encode(pixels)))
    lines = ",\n".join(json.dumps(case) for case in cases)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(f'{{"diffusers": "{diffusers.__version__}", "every": {EVERY}, "cases": [\n{lines}\n]}}\n')
    print(OUT, OUT.stat().st_size)


main()
