"""Trains the attribute classifier that the evaluation uses and writes it as ONNX.

It reads every attribute of a picture, and tells whether the sun or moon, the house or the tree appears twice:
for these heads it sees pictures in which objects were painted twice on purpose. It is trained on drawn
pictures only (blurred and noisy ones too), never on generated ones.
"""

import argparse
import json
import random
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import scenes as s
from train_vae import to_tensor

FIRST_SEED = 50_000_000
INPUT_SIZE = 96
HEADS = {
    "sky": list(s.SKIES),
    "celestial": list(s.CELESTIALS),
    "ground": list(s.GROUNDS),
    "background": list(s.BACKGROUNDS),
    "lake": list(s.LAKES),
    "house": list(s.HOUSES),
    "tree": list(s.TREES),
    "position": list(s.POSITIONS),
    "stars": [False, True],
    "clouds": [False, True],
    "twice_celestial": [False, True],
    "twice_house": [False, True],
    "twice_tree": [False, True],
}


class Classifier(nn.Module):
    """Convolutions and one linear layer per attribute; any picture size, resized inside."""

    def __init__(self):
        super().__init__()

        def block(width_in, width_out):
            return [nn.Conv2d(width_in, width_out, 3, 2, 1), nn.BatchNorm2d(width_out), nn.ReLU()]

        self.features = nn.Sequential(
            *block(3, 16), *block(16, 32), *block(32, 64), *block(64, 96),
            nn.Flatten(), nn.Dropout(0.2), nn.Linear(96 * (INPUT_SIZE // 16) ** 2, 192), nn.ReLU(),
        )  # fmt: skip
        self.heads = nn.ModuleDict({name: nn.Linear(192, len(values)) for name, values in HEADS.items()})

    def forward(self, sample):
        sample = F.interpolate(sample, size=(INPUT_SIZE, INPUT_SIZE), mode="bilinear", align_corners=False)
        features = self.features(sample)
        return {name: head(features) for name, head in self.heads.items()}


class Flat(nn.Module):
    """The classifier with a tuple of outputs, for export."""

    def __init__(self, classifier):
        super().__init__()
        self.classifier = classifier

    def forward(self, sample):
        return tuple(self.classifier(sample).values())


def choose_doubled(seed, scene):
    """Which objects to paint twice for a training picture."""
    rng = random.Random(seed + 1)
    present = {"celestial": scene.celestial, "house": scene.house, "tree": scene.tree}
    return frozenset(name for name, value in present.items() if value != "none" and rng.random() < 0.3)


def draw(task):
    seed, size = task
    scene = s.sample_scene(random.Random(seed))
    doubled = choose_doubled(seed, scene)
    return s.make_picture(seed, size, doubled)[0], scene, doubled


def labels(scene, doubled=frozenset()):
    """Class index per head; -100 where the head has no answer."""
    row = []
    for name, values in HEADS.items():
        if name.startswith("twice_"):
            kind = name.removeprefix("twice_")
            row.append(int(kind in doubled) if getattr(scene, kind) != "none" else -100)
        elif name == "position":
            main = "house" if scene.house != "none" else "tree"
            known = scene.has_position() and main not in doubled
            row.append(values.index(scene.position) if known else -100)
        else:
            row.append(values.index(getattr(scene, name)))
    return row


def accuracy(outputs, truth):
    """Share of right answers per head, where there is an answer."""
    result = {}
    for index, name in enumerate(HEADS):
        known = truth[:, index] >= 0
        right = outputs[name].argmax(1)[known] == truth[known, index]
        result[name] = round(right.float().mean().item(), 3) if known.any() else None
    return result


def export(classifier, folder):
    """classifier.onnx and labels.json."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"logits_{name}" for name in HEADS]
    axes = {"sample": {0: "batch", 2: "height", 3: "width"}, **{name: {0: "batch"} for name in names}}
    path = folder / "classifier.onnx"
    torch.onnx.export(
        Flat(classifier).eval(), (torch.zeros(1, 3, 192, 192),), str(path.with_suffix(".tmp")), opset_version=17,
        dynamo=False, input_names=["sample"], output_names=names, dynamic_axes=axes,
    )  # fmt: skip
    path.with_suffix(".tmp").replace(path)
    description = {
        "input": {
            "name": "sample",
            "shape": ["batch", 3, "height", "width"],
            "layout": "RGB, planes",
            "range": [-1, 1],
            "normalisation": "value / 127.5 - 1",
            "size": f"any; resized to {INPUT_SIZE}x{INPUT_SIZE} inside the graph",
        },
        "heads": {name: {"output": f"logits_{name}", "values": values} for name, values in HEADS.items()},
        "notes": {
            "position": "place of the house, or of the tree if there is no house",
            "twice_celestial": "the sun or moon appears more than once; likewise twice_house and twice_tree",
        },
    }
    (folder / "labels.json").write_text(json.dumps(description, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--fixtures", type=Path, required=True, help="where classifier.onnx and labels.json go")
    parser.add_argument("--pictures", type=int, default=24_000)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    count, batch, test = options.pictures, 128, 1000

    pictures = torch.empty(count + test, 3, INPUT_SIZE, INPUT_SIZE, dtype=torch.uint8)
    truth = []
    with get_context("fork").Pool(1) as pool:
        tasks = ((FIRST_SEED + index, (128, 192)[index % 2]) for index in range(count + test))
        for index, (picture, scene, doubled) in enumerate(pool.imap(draw, tasks, chunksize=32)):
            tensor = to_tensor(picture[None])
            small = F.interpolate(tensor, size=(INPUT_SIZE, INPUT_SIZE), mode="bilinear", align_corners=False)
            pictures[index] = small[0].add(1).mul(127.5).round().byte()
            truth.append(labels(scene, doubled))
    truth = torch.tensor(truth)
    print("drawn", flush=True)

    classifier = Classifier().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=2e-3, weight_decay=0.02)
    total, step, start = options.epochs * (count // batch), 0, time.time()
    for epoch in range(options.epochs):
        classifier.train()
        order = torch.randperm(count)
        for first in range(0, count - batch + 1, batch):
            chosen = order[first : first + batch]
            sample = pictures[chosen].float().div_(127.5).sub_(1)
            if torch.rand(1) < 0.5:
                sample = F.avg_pool2d(sample, 3, 1, 1, count_include_pad=False)
            sample = sample + torch.randn_like(sample) * 0.08 * torch.rand(1)
            for group in optimizer.param_groups:
                group["lr"] = 2e-3 * (1 - step / total) + 1e-5
            outputs = classifier(sample.contiguous(memory_format=torch.channels_last))
            loss = sum(F.cross_entropy(outputs[name], truth[chosen, index]) for index, name in enumerate(HEADS))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
        classifier.eval()
        with torch.no_grad():
            sample = pictures[count:].float().div(127.5).sub(1)
            report = accuracy(classifier(sample), truth[count:])
        print(f"epoch {epoch} {time.time() - start:.0f} s held-out {report}", flush=True)
    torch.save(classifier.state_dict(), options.work / "classifier.pt")
    (options.work / "classifier.json").write_text(json.dumps(report))
    export(classifier, options.fixtures)


if __name__ == "__main__":
    main()
