"""Trains UNet and text encoder on the stored latents.

Works in one or more processes that average their gradients; --batch is the batch of one process.

Runs until a wall-clock time, so that it fits a machine that is shared with other work; saves a checkpoint with
optimizer and moving average every few minutes and goes on from it with --resume, at another size too. --init
starts from the averaged weights of another checkpoint with a new optimizer.
"""

import argparse
import pickle
import random
import time
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing

from captions import caption, full_caption
from diffusion import alpha_bars
from make_latents import HELD_OUT
from models import TextEncoder, UNet
from scenes import BACKGROUNDS, CELESTIALS, HOUSES, POSITIONS, TREES
from tokenizer import Tokenizer

OBJECT_WEIGHT = 4.0
CAPTION_DROPOUT = 0.12
EASE_IN = 100_000  # samples until the captions have their full variety


def rotate(values, skip="none"):
    """Maps every value to the next one, leaving out `skip`."""
    kept = [value for value in values if value != skip]
    return dict(zip(kept, kept[1:] + kept[:1]))


SWAPS = {
    "colour": (700, "house", rotate(HOUSES), lambda scene: scene.house != "none"),
    "position": (900, "position", rotate(POSITIONS), lambda scene: scene.has_position()),
    "tree": (700, "tree", rotate(TREES), lambda scene: scene.tree != "none"),
    "sun/moon": (900, "celestial", rotate(CELESTIALS), lambda scene: scene.celestial != "none" and scene.sky in ("sunset", "dawn")),
    "background": (700, "background", rotate(BACKGROUNDS), lambda scene: scene.background != "none"),
    "stars": (700, "stars", {True: False, False: True}, lambda scene: scene.sky == "night"),
}


def training_order(scenes, often):
    """Indices to train on; scenes with a sun or moon but no house come `often` times, without a tree too twice that.

    They are few, and a model that has seen too few of them likes to paint the sun or moon twice.
    """
    indices = []
    for index, scene in enumerate(scenes):
        rare = scene.house == "none" and scene.celestial != "none"
        repeats = 1 if often == 1 or not rare else often * (2 if scene.tree == "none" else 1)
        indices += [index] * repeats
    return torch.tensor(indices)


class SwapProbe:
    """How much worse held-out pictures are predicted when one word of the caption is wrong."""

    def __init__(self, latents, scenes, tokenizer, alpha_bar, pictures=80):
        self.alpha_bar = alpha_bar
        self.noise = torch.randn(pictures, *latents.shape[1:], generator=torch.Generator().manual_seed(5))
        self.cases = {}
        for name, (timestep, attribute, other, condition) in SWAPS.items():
            chosen = [index for index, scene in enumerate(scenes) if condition(scene)][:pictures]
            right = torch.tensor([tokenizer(full_caption(scenes[index])) for index in chosen])
            changed = [scenes[i].changed(**{attribute: other[getattr(scenes[i], attribute)]}) for i in chosen]
            wrong = torch.tensor([tokenizer(full_caption(scene)) for scene in changed])
            self.cases[name] = (timestep, latents[chosen], right, wrong)

    @torch.no_grad()
    def measure(self, unet, text_encoder):
        report = []
        for name, (timestep, latents, right, wrong) in self.cases.items():
            keep = self.alpha_bar[timestep]
            noise = self.noise[: len(latents)]
            noisy = keep.sqrt() * latents + (1 - keep).sqrt() * noise
            target = keep.sqrt() * noise - (1 - keep).sqrt() * latents
            noisy = noisy.contiguous(memory_format=torch.channels_last)
            errors = []
            with torch.autocast("cpu", torch.bfloat16):
                for ids in (right, wrong):
                    output = unet(noisy, torch.tensor([timestep]), text_encoder(ids))
                    errors.append((output.float() - target).square().mean().item())
            report.append(f"{name}@{timestep} {100 * (errors[1] / errors[0] - 1):.1f}% of {errors[0]:.4f}")
        return ", ".join(report)


class Average:
    """Exponential moving average of the weights."""

    def __init__(self, parameters, decay):
        self.parameters = parameters
        self.decay = decay
        self.values = [parameter.detach().clone() for parameter in parameters]
        self.kept = None

    def update(self, step):
        decay = min(self.decay, (1 + step) / (20 + step))
        torch._foreach_lerp_(self.values, [parameter.detach() for parameter in self.parameters], 1 - decay)

    def __enter__(self):
        self.kept = [parameter.detach().clone() for parameter in self.parameters]
        for parameter, value in zip(self.parameters, self.values):
            parameter.data.copy_(value)

    def __exit__(self, *_):
        for parameter, value in zip(self.parameters, self.kept):
            parameter.data.copy_(value)


def average_gradients(parameters, progress, workers):
    """Averages gradients and the share of the time that has passed over the processes; returns the latter.

    All processes stop at the same step because they act on the same average.
    """
    if workers == 1:
        return progress
    gradients = [parameter.grad for parameter in parameters]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients] + [torch.tensor([progress])])
    dist.all_reduce(flat)
    flat /= workers
    place = 0
    for gradient in gradients:
        gradient.copy_(flat[place : place + gradient.numel()].view_as(gradient))
        place += gradient.numel()
    return flat[-1].item()


def train(rank, options):
    """One process of the training."""
    if options.workers > 1:
        store = f"file://{options.work / (options.name + '.rendezvous')}"
        dist.init_process_group("gloo", init_method=store, rank=rank, world_size=options.workers)
    torch.set_num_threads(options.threads)
    seed = 1000 * rank + options.seed
    torch.manual_seed(options.seed)  # the same weights in every process
    caption_rng = random.Random(seed)

    stored = torch.load(options.work / f"latents-{options.size}.pt")
    statistics = torch.load(options.work / "statistics.pt")
    latents = stored["latents"].float()
    latents = (latents - statistics["mean"].view(1, -1, 1, 1)) / statistics["std"].view(1, -1, 1, 1)
    weights = 1 + (OBJECT_WEIGHT - 1) * (stored["masks"].float() * 2).clamp(0, 1)
    weights = (weights / weights.mean())[:, None]
    with open(options.work / f"scenes-{options.size}.pkl", "rb") as file:
        scenes = pickle.load(file)
    count = len(latents) - HELD_OUT
    tokenizer = Tokenizer(options.work / "tokenizer")
    empty = tokenizer("")
    alpha_bar = alpha_bars(zero_snr=not options.no_zero_snr)

    unet = UNet(layout=not options.no_layout).to(memory_format=torch.channels_last)
    text_encoder = TextEncoder(len(tokenizer.vocabulary))
    parameters = list(unet.parameters()) + list(text_encoder.parameters())
    print("parameters", *(sum(p.numel() for p in net.parameters()) for net in (unet, text_encoder)), flush=True)
    step, seen, path = 0, 0, options.work / f"{options.name}.pt"
    if options.init:
        state = torch.load(options.init)
        unet.load_state_dict(state["unet"])
        text_encoder.load_state_dict(state["text_encoder"])
        seen = state["seen"]
    average = Average(parameters, options.decay)
    optimizer = torch.optim.AdamW(parameters, lr=options.rate, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    if options.resume:
        state = torch.load(path)
        for parameter, value in zip(parameters, state["weights"]):
            parameter.data.copy_(value)
        for mine, value in zip(average.values, state["average"]):
            mine.copy_(value)
        optimizer.load_state_dict(state["optimizer"])
        step, seen = state["step"], state["seen"]
        caption_rng.seed(seed + step)
    torch.manual_seed(seed + step)

    def predict(noisy, timestep, ids):
        return unet(noisy, timestep, text_encoder(ids))

    if options.compile:
        predict = torch.compile(predict)
    probe = SwapProbe(latents[count:], scenes[count:], tokenizer, alpha_bar)

    def save():
        state = {"weights": [p.detach().clone() for p in parameters], "average": average.values}
        state.update(optimizer=optimizer.state_dict(), step=step, seen=seen, zero_snr=not options.no_zero_snr)
        with average:
            state["unet"] = {key: value.clone() for key, value in unet.state_dict().items()}
            state["text_encoder"] = {key: value.clone() for key, value in text_encoder.state_dict().items()}
        temporary = path.with_suffix(".tmp")
        torch.save(state, temporary)
        temporary.replace(path)

    start, first_step, first_seen = time.time(), step, seen
    total = options.end - start
    next_save, next_probe, next_log = options.save_minutes * 60, 60.0, 30.0
    indices = training_order(scenes[:count], options.often)
    order, place, losses, progress = indices[torch.randperm(len(indices))], 0, [], 0.0
    while progress < 1:
        warm = min(1, (step - first_step + 1) / options.warm)
        rate = options.rate * warm * min(1, (1 - progress) / (1 - options.flat)) + 1e-6
        for group in optimizer.param_groups:
            group["lr"] = rate
        if place + options.batch > len(order):
            order, place = indices[torch.randperm(len(indices))], 0
        chosen = order[place : place + options.batch]
        place += options.batch

        clean = latents[chosen]
        variety = min(1.0, 0.1 + seen / EASE_IN)
        texts = ["" if caption_rng.random() < CAPTION_DROPOUT else caption(caption_rng, scenes[i], variety) for i in chosen.tolist()]
        ids = torch.tensor([empty if text == "" else tokenizer(text) for text in texts])
        spread = (torch.arange(options.batch) + torch.rand(options.batch)) / options.batch
        timestep = (spread * 1000).long().clamp(0, 999)
        keep = alpha_bar[timestep].view(-1, 1, 1, 1)
        noise = torch.randn_like(clean)
        noisy = (keep.sqrt() * clean + (1 - keep).sqrt() * noise).contiguous(memory_format=torch.channels_last)
        target = keep.sqrt() * noise - (1 - keep).sqrt() * clean
        with torch.autocast("cpu", torch.bfloat16):
            output = predict(noisy, timestep, ids)
        error = (output.float() - target).square()
        loss = (error * weights[chosen]).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        progress = average_gradients(parameters, (time.time() - start) / total, options.workers)
        norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        step += 1
        seen += options.batch * options.workers
        average.update(step)
        if rank > 0:
            continue
        losses.append(error.detach().mean())

        elapsed = time.time() - start
        if elapsed > next_log:
            next_log = elapsed + 30
            mean = torch.stack(losses).mean().item()
            losses = []
            speed = (seen - first_seen) / elapsed
            print(f"{elapsed:.0f}s step {step} seen {seen} loss {mean:.4f} norm {norm.item():.2f} rate {rate:.5f} {speed:.1f}/s", flush=True)
        if elapsed > next_probe:
            next_probe = elapsed + 120
            with average:
                print(f"{elapsed:.0f}s seen {seen} swaps: {probe.measure(unet, text_encoder)}", flush=True)
        if elapsed > next_save:
            next_save = elapsed + options.save_minutes * 60
            save()
    if rank > 0:
        return
    save()
    with average:
        print(f"done: step {step}, seen {seen}, swaps: {probe.measure(unet, text_encoder)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--name", default="unet", help="name of the checkpoint")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--end", type=float, required=True, help="unix time to stop at")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--often", type=int, default=3, help="repeats of scenes with a sun or moon but no house")
    parser.add_argument("--warm", type=int, default=150, help="steps until the full rate")
    parser.add_argument("--flat", type=float, default=0.5, help="share of the time before the rate falls")
    parser.add_argument("--decay", type=float, default=0.999, help="of the moving average")
    parser.add_argument("--threads", type=int, default=1, help="of one process")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save-minutes", type=float, default=3)
    parser.add_argument("--no-zero-snr", action="store_true")
    parser.add_argument("--no-layout", action="store_true")
    parser.add_argument("--init", type=Path, help="start from the averaged weights of this checkpoint")
    parser.add_argument("--compile", action="store_true", help="minutes to compile, then about 1.3 times as fast")
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()
    if options.workers == 1:
        train(0, options)
        return
    options.work = options.work.resolve()
    (options.work / f"{options.name}.rendezvous").unlink(missing_ok=True)
    torch.multiprocessing.spawn(train, args=(options,), nprocs=options.workers)


if __name__ == "__main__":
    main()
