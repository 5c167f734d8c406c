"""The input pictures of the cases, drawn by formula: the same bytes on every run of one Pillow version."""

import numpy as np
from models import FIXTURES
from PIL import Image

FOLDER = FIXTURES / "pictures"


def scene(width, height):
    """Smooth colours with a few hard edges, so that a wrong resize or crop shows."""
    y, x = np.mgrid[0:height, 0:width] / np.array([height, width]).reshape(2, 1, 1)
    red = 128 + 110 * np.sin(6 * x + 2 * y)
    green = 128 + 110 * np.cos(5 * y - 3 * x)
    blue = np.where((x - 0.6) ** 2 + (y - 0.4) ** 2 < 0.05, 230, 60 + 90 * y)
    red = np.where((np.abs(x - 0.25) < 0.08) & (y > 0.5), 250, red)
    return Image.fromarray(np.clip(np.stack([red, green, blue], 2), 0, 255).round().astype(np.uint8))


def blob(width, height, cx, cy, radius):
    """White inside, black outside, grey over a few pixels between them."""
    y, x = np.mgrid[0:height, 0:width]
    distance = np.hypot((x - cx * width) / 1.2, y - cy * height)
    return Image.fromarray(np.clip((radius - distance) * 40 + 128, 0, 255).round().astype(np.uint8))


def draw():
    return {
        "init": scene(64, 64),
        "mask": blob(64, 64, 0.55, 0.45, 17),
        "big-init": scene(96, 80),
        "big-mask": blob(96, 80, 0.62, 0.4, 11),
        "odd-init": scene(101, 70).transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        "odd-mask": blob(101, 70, 0.4, 0.6, 20),
    }


def write():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, picture in draw().items():
        picture.save(FOLDER / f"{name}.png", optimize=True)


def load(name):
    return Image.open(FOLDER / f"{name}.png")
