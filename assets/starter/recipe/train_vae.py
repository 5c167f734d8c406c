"""Trains the VAE on random crops of pictures drawn at 128 and 192 pixels.

Stops by the clock: the learning rate follows a cosine over the given minutes, however fast the machine is.
"""

import argparse
import math
import time
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import torch

from models import Decoder, Encoder
from scenes import make_picture

FIRST_SEED = 1_000_000


def draw(task):
    seed, size = task
    return make_picture(seed, size)[0]


def draw_pictures(count, size, first_seed=FIRST_SEED, workers=2):
    """uint8 pictures [count, size, size, 3]."""
    pictures = np.empty((count, size, size, 3), np.uint8)
    with Pool(workers) as pool:
        tasks = [(first_seed + index, size) for index in range(count)]
        for index, picture in enumerate(pool.imap(draw, tasks, chunksize=64)):
            pictures[index] = picture
    return pictures


def to_tensor(pictures):
    """uint8 [n, h, w, 3] -> float [n, 3, h, w] in [-1, 1]."""
    tensor = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float()
    return tensor.div_(127.5).sub_(1).contiguous(memory_format=torch.channels_last)


def crops(rng, pictures, count, side):
    """Random crops aligned to the latent grid, half of the batches mirrored."""
    size = pictures.shape[1]
    chosen = rng.integers(0, len(pictures), count)
    corners = rng.integers(0, (size - side) // 8 + 1, (count, 2)) * 8
    batch = np.stack([pictures[i, y : y + side, x : x + side] for i, (y, x) in zip(chosen, corners)])
    return to_tensor(batch[:, :, ::-1] if rng.random() < 0.5 else batch)


def reconstruction_loss(picture, decoded):
    """L1 + MSE + L1 of the gradients, which keeps edges."""
    difference = picture - decoded
    across = (difference[..., 1:] - difference[..., :-1]).abs().mean()
    down = (difference[..., 1:, :] - difference[..., :-1, :]).abs().mean()
    return difference.abs().mean() + difference.square().mean() + across + down


def psnr(encoder, decoder, pictures):
    """Mean PSNR in dB of decoded latent means."""
    with torch.no_grad():
        picture = to_tensor(pictures)
        decoded = decoder(encoder(picture)[:, :4]).clamp(-1, 1)
        error = (picture - decoded).square().mean((1, 2, 3)) / 4
    return (-10 * error.log10()).mean().item()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for the checkpoint")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--pictures", type=int, default=6000, help="pictures per size")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    options.work.mkdir(parents=True, exist_ok=True)
    path = options.work / "vae.pt"

    pictures = {size: draw_pictures(options.pictures, size) for size in (128, 192)}
    held_out = {size: draw_pictures(48, size, first_seed=9_000_000) for size in (128, 192)}
    encoder = Encoder().to(memory_format=torch.channels_last)
    decoder = Decoder().to(memory_format=torch.channels_last)
    parameters = list(encoder.parameters()) + list(decoder.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=options.rate, betas=(0.9, 0.99), weight_decay=1e-3, fused=True)
    step = 0
    if options.resume:
        state = torch.load(path)
        encoder.load_state_dict(state["encoder"])
        decoder.load_state_dict(state["decoder"])
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]

    def save():
        state = {"encoder": encoder.state_dict(), "decoder": decoder.state_dict()}
        state.update(optimizer=optimizer.state_dict(), step=step)
        torch.save(state, path.with_suffix(".tmp"))
        path.with_suffix(".tmp").replace(path)

    first_step, start, next_log = step, time.time(), 60.0
    while True:
        elapsed = time.time() - start
        progress = elapsed / (options.minutes * 60)
        if progress >= 1:
            break
        rate = options.rate * min(1, (step - first_step + 1) / 150) * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-5
        for group in optimizer.param_groups:
            group["lr"] = rate
        side = 64 if progress < 0.85 else 128
        count = options.batch if side == 64 else max(1, options.batch // 4)
        picture = crops(rng, pictures[192 if step % 5 else 128], count, side)
        with torch.autocast("cpu", torch.bfloat16):
            moments = encoder(picture)
        mean, log_variance = moments.float().chunk(2, dim=1)
        log_variance = log_variance.clamp(-14, 4)
        latents = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        with torch.autocast("cpu", torch.bfloat16):
            decoded = decoder(latents)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        loss = reconstruction_loss(picture, decoded.float()) + 6e-4 * divergence
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 0.5)
        optimizer.step()
        step += 1
        if elapsed > next_log:
            next_log += 60
            values = " ".join(f"{size}px {psnr(encoder, decoder, held_out[size]):.2f} dB" for size in held_out)
            print(f"{elapsed:.0f}s step {step} loss {loss.item():.4f} kl {divergence.item():.2f} {values}", flush=True)
            save()
    save()
    values = " ".join(f"{size}px {psnr(encoder, decoder, held_out[size]):.2f} dB" for size in held_out)
    print(f"done: {step} steps, held-out PSNR {values}", flush=True)


if __name__ == "__main__":
    main()
