"""Draws pictures, encodes them with the trained VAE and stores latents, object masks and scenes."""

import argparse
import pickle
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from models import Encoder
from scenes import make_picture
from train_vae import to_tensor

FIRST_SEED = 20_000_000
HELD_OUT = 512  # the last ones are never trained on


def draw(task):
    return make_picture(*task)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--count", type=int, default=32_000)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    encoder = Encoder().to(memory_format=torch.channels_last)
    encoder.load_state_dict(torch.load(options.work / "vae.pt")["encoder"])
    encoder.eval()
    count, grid, batch = options.count + HELD_OUT, options.size // 8, 64
    latents = torch.empty(count, 4, grid, grid)
    masks = np.empty((count, grid, grid), np.float16)
    scenes = []
    start = time.time()

    def encode(first, pictures):
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            latents[first : first + len(pictures)] = encoder(to_tensor(np.stack(pictures)))[:, :4]

    with get_context("fork").Pool(options.workers) as pool:
        tasks = ((FIRST_SEED + index, options.size) for index in range(count))
        pictures = []
        for index, (picture, mask, scene) in enumerate(pool.imap(draw, tasks, chunksize=32)):
            pictures.append(picture)
            masks[index] = mask
            scenes.append(scene)
            if len(pictures) == batch or index == count - 1:
                encode(index + 1 - len(pictures), pictures)
                pictures = []
    torch.save({"latents": latents.half(), "masks": torch.from_numpy(masks)}, options.work / f"latents-{options.size}.pt")
    with open(options.work / f"scenes-{options.size}.pkl", "wb") as file:
        pickle.dump(scenes, file)
    statistics = options.work / "statistics.pt"
    if not statistics.exists():
        torch.save({"mean": latents.mean((0, 2, 3)), "std": latents.std((0, 2, 3))}, statistics)
    print(f"{count} latents of {options.size} px in {time.time() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
