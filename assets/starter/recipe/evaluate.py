"""Measures how well generated pictures follow their prompts.

Every accuracy stands beside its base rate, the accuracy of always answering the commonest value. `--write`
makes the prompt set of the repository's tests; `--real` checks classifier and blob counter on drawn pictures.
"""

import argparse
import collections
import dataclasses
import json
import random
import time
from pathlib import Path

import numpy as np
import torch

from blobs import count_objects
from captions import full_caption
from pipeline import Pipeline
from scenes import make_picture, sample_scene
from train_classifier import HEADS, Classifier, labels
from train_vae import to_tensor

PROMPT_SEED = 77
PROMPTS = 200
SETTINGS = {
    "no CFG": {"guidance": 1.0},
    "default": {},
    "cutoff 40 %": {"cutoff": 0.4},
}
MEAN_OF = ("sky", "celestial", "ground", "background", "lake", "house", "tree", "position")


def prompt_set():
    """Held-out scenes with captions that name everything, and a seed each."""
    rng = random.Random(PROMPT_SEED)
    scenes = [sample_scene(rng) for _ in range(PROMPTS)]
    return scenes, [full_caption(scene) for scene in scenes], [1000 + index for index in range(PROMPTS)]


def write_prompts(folder):
    scenes, prompts, seeds = prompt_set()
    entries = []
    for scene, prompt, seed in zip(scenes, prompts, seeds):
        attributes = dataclasses.asdict(scene)
        if not scene.has_position():
            attributes["position"] = None
        entries.append({"prompt": prompt, "seed": seed, "attributes": attributes})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prompts.json").write_text(json.dumps(entries, indent=1) + "\n")


def commonest(values):
    return max(collections.Counter(values).values()) / len(values) if values else None


def subsets(scenes):
    """Questions beyond the heads: name -> (head, which pictures count, right if ...)."""
    house = [scene.house != "none" for scene in scenes]
    tree = [scene.tree != "none" for scene in scenes]
    night = [scene.sky == "night" for scene in scenes]
    asked = [scene.stars for scene in scenes]
    return {
        "colour, house asked": ("house", house),
        "kind, tree asked": ("tree", tree),
        "stars, night": ("stars", night),
        "stars, asked": ("stars", asked),
    }


def base_rates(scenes, truth):
    rates = {}
    for index, name in enumerate(HEADS):
        if not name.startswith("twice_"):
            rates[name] = commonest([value for value in truth[:, index].tolist() if value >= 0])
    rates["house present"] = commonest([scene.house != "none" for scene in scenes])
    for name, (head, where) in subsets(scenes).items():
        rates[name] = commonest([getattr(scene, head) for scene, counts in zip(scenes, where) if counts])
    return rates


def measure(pictures, scenes, truth, classifier):
    """Accuracies, and shares of pictures with a doubled object."""
    with torch.no_grad():
        outputs = {name: values.argmax(1) for name, values in classifier(pictures).items()}
    report = {}
    for index, name in enumerate(HEADS):
        known = truth[:, index] >= 0
        if not name.startswith("twice_"):
            report[name] = (outputs[name][known] == truth[known, index]).float().mean().item()
    house = list(HEADS).index("house")
    report["house present"] = ((outputs["house"] > 0) == (truth[:, house] > 0)).float().mean().item()
    for name, (head, where) in subsets(scenes).items():
        where = torch.tensor(where)
        report[name] = (outputs[head] == truth[:, list(HEADS).index(head)])[where].float().mean().item()
    report["mean"] = float(np.mean([report[name] for name in MEAN_OF]))

    twice = torch.zeros(len(scenes), dtype=torch.bool)
    for kind in ("celestial", "house", "tree"):
        asked = torch.tensor([getattr(scene, kind) != "none" for scene in scenes])
        found = (outputs[f"twice_{kind}"] == 1) & asked
        report[f"doubled {kind} (classifier)"] = (found.sum() / asked.sum()).item()
        twice |= found
    report["doubled any (classifier)"] = twice.float().mean().item()
    arrays = pictures.add(1).mul(127.5).round().byte().permute(0, 2, 3, 1).numpy()
    counts = [count_objects(array, scene) for array, scene in zip(arrays, scenes)]
    for kind in ("celestial", "house"):
        known = [count[kind] for count in counts if count[kind] is not None]
        report[f"doubled {kind} (blobs)"] = sum(value > 1 for value in known) / len(known)
        report[f"missing {kind} (blobs)"] = sum(value == 0 for value in known) / len(known)
    doubled = [any(value is not None and value > 1 for value in count.values()) for count in counts]
    report["doubled any (blobs)"] = sum(doubled) / len(doubled)
    report["doubled any (either)"] = float(np.mean([a or b for a, b in zip(doubled, twice.tolist())]))
    report["clipped values"] = (pictures.abs() >= 0.999).float().mean().item()
    return report


def table(base, reports):
    names = list(next(iter(reports.values())))
    lines = ["| | base | " + " | ".join(reports) + " |", "|---" * (len(reports) + 2) + "|"]
    for name in names:
        rate = f"{base[name]:.2f}" if base.get(name) is not None else ""
        lines.append(f"| {name} | {rate} | " + " | ".join(f"{report[name]:.3f}" for report in reports.values()) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--checkpoint", default="unet.pt")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--guidance", type=float, nargs="+", default=[3.5])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--prompts", type=int, default=PROMPTS)
    parser.add_argument("--settings", nargs="+", default=list(SETTINGS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--save", type=Path, help="folder for a sheet of the generated pictures")
    parser.add_argument("--write", type=Path, help="write prompts.json into this folder and stop")
    parser.add_argument("--real", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.write:
        write_prompts(options.write)
        return
    classifier = Classifier().eval()
    classifier.load_state_dict(torch.load(options.work / "classifier.pt"))
    if options.real:
        drawn = [make_picture(90_000_000 + index, options.size) for index in range(400)]
        scenes = [scene for _, _, scene in drawn]
        pictures = to_tensor(np.stack([picture for picture, _, _ in drawn]))
        truth = torch.tensor([labels(scene) for scene in scenes])
        reports = {"drawn": measure(pictures, scenes, truth, classifier)}
        from models import Decoder, Encoder

        state = torch.load(options.work / "vae.pt")
        encoder, decoder = Encoder().eval(), Decoder().eval()
        encoder.load_state_dict(state["encoder"])
        decoder.load_state_dict(state["decoder"])
        with torch.no_grad():
            decoded = decoder(encoder(pictures)[:, :4]).clamp(-1, 1)
        reports["through the VAE"] = measure(decoded, scenes, truth, classifier)
        print(table(base_rates(scenes, truth), reports))
        return

    scenes, prompts, seeds = (values[: options.prompts] for values in prompt_set())
    truth = torch.tensor([labels(scene) for scene in scenes])
    pipeline = Pipeline(options.work, options.checkpoint)
    reports, made = {}, {}
    for guidance in options.guidance:
        for name in options.settings:
            if name == "no CFG" and guidance != options.guidance[0]:
                continue
            settings = {"guidance": guidance, **SETTINGS[name]}
            title = name if name == "no CFG" else f"{name} (CFG {guidance:g})"
            start = time.time()
            pictures = pipeline.generate(prompts, seeds, steps=options.steps, size=options.size, **settings)
            made[title] = pictures
            reports[title] = measure(pictures, scenes, truth, classifier)
            print(f"{title}: {time.time() - start:.0f} s, mean {reports[title]['mean']:.3f}", flush=True)
    print(f"{pipeline.seen} samples seen, {len(prompts)} prompts, {options.size} px, {options.steps} steps")
    print(table(base_rates(scenes, truth), reports))
    if options.save:
        from PIL import Image

        for index, (title, pictures) in enumerate(made.items()):
            arrays = pictures[:48].add(1).mul(127.5).round().byte().permute(0, 2, 3, 1).numpy()
            rows = [np.concatenate(list(arrays[first : first + 8]), 1) for first in range(0, len(arrays) // 8 * 8, 8)]
            Image.fromarray(np.concatenate(rows, 0)).save(options.save / f"sheet-{index}.png")


if __name__ == "__main__":
    main()
