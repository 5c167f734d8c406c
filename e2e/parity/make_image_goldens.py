"""Writes electron/engine/images/golden/images.json: Pillow's resampling and diffusers' VaeImageProcessor.

Run: python e2e/parity/make_image_goldens.py  (packages of requirements.txt)
Pictures are made by a formula the test repeats; of results the SHA-256 of the bytes is kept, so equal means byte for byte.
"""
import hashlib
import json
import pathlib

import diffusers
import numpy as np
import PIL
import torch
from diffusers.image_processor import VaeImageProcessor
from PIL import Image

OUT = pathlib.Path(__file__).resolve().parents[2] / "electron/engine/images/golden"

# From (width, height) to (width, height).
SIZES = [
    ((64, 64), (32, 32)), ((64, 64), (128, 128)), ((64, 64), (64, 64)), ((64, 64), (64, 40)), ((64, 64), (40, 64)),
    ((100, 37), (64, 64)), ((37, 100), (512, 8)), ((1, 1), (5, 3)), ((1, 1), (1, 9)), ((2, 3), (64, 64)),
    ((3, 2), (1, 1)), ((500, 1), (64, 64)), ((1, 500), (64, 64)), ((640, 7), (13, 200)), ((333, 250), (96, 72)),
    ((1000, 800), (1, 1)), ((17, 31), (19, 29)), ((800, 600), (512, 512)), ((300, 200), (1024, 776)), ((100, 100), (90, 80)), ((100, 100), (90, 79)), ((40, 100), (15, 50)), ((40, 100), (16, 50)), ((500, 700), (450, 96)), ((1024, 1024), (8, 8)),
]
FITS = [((100, 60), (64, 64)), ((60, 100), (64, 64)), ((64, 64), (64, 64)), ((64, 32), (128, 64)), ((97, 31), (200, 40)), ((31, 97), (40, 200)), ((33, 200), (72, 64)), ((50, 51), (64, 64)), ((333, 250), (64, 48)), ((5, 4), (64, 128)), ((300, 299), (64, 64))]
# Mask (width, height), painted (left, top, width, height)s, drawing (width, height), padding.
REGIONS = [
    ((100, 80), [(40, 30, 10, 10)], (64, 64), 0), ((100, 80), [(40, 30, 10, 10)], (64, 64), 32), ((100, 80), [(0, 0, 5, 5)], (64, 64), 8),
    ((100, 80), [(95, 75, 5, 5)], (64, 64), 8), ((100, 80), [(0, 75, 5, 5)], (128, 64), 3), ((100, 80), [(95, 0, 5, 5)], (64, 128), 3),
    ((100, 80), [(50, 40, 1, 1)], (64, 64), 0), ((100, 80), [(0, 0, 1, 1)], (512, 64), 0), ((100, 80), [(99, 79, 1, 1)], (64, 512), 0),
    ((100, 80), [(0, 0, 100, 80)], (64, 64), 0), ((100, 80), [(0, 0, 100, 80)], (64, 128), 50), ((80, 100), [(0, 0, 80, 100)], (128, 64), 50),
    ((100, 80), [(10, 70, 80, 3)], (64, 64), 5), ((100, 80), [(90, 5, 3, 70)], (64, 64), 5), ((100, 80), [(2, 2, 3, 3), (90, 70, 4, 5)], (768, 512), 1),
    ((1000, 700), [(313, 211, 77, 41)], (1024, 768), 32), ((1000, 700), [(313, 211, 77, 41)], (768, 1024), 32), ((1, 1), [(0, 0, 1, 1)], (64, 64), 16),
    ((777, 333), [(700, 300, 50, 20)], (512, 768), 17), ((64, 64), [(0, 20, 64, 1)], (64, 64), 0), ((50, 400), [(3, 380, 4, 7)], (1024, 512), 64),
]
# Sides, painted, value of the paint, region of the drawing or none, sides of the drawing.
PASTES = [
    ((64, 48), [(10, 10, 20, 20)], 255, None, (64, 48)),
    ((64, 48), [(10, 10, 20, 20), (60, 0, 4, 48)], 255, None, (64, 48)),
    ((120, 90), [(30, 30, 20, 10)], 255, (20, 16, 44, 44), (64, 64)),
    ((120, 90), [(100, 70, 20, 20)], 255, (57, 40, 63, 50), (128, 96)),
    ((120, 90), [(0, 0, 120, 90)], 255, (0, 0, 120, 90), (64, 48)),
]


def noise(width, height, channels, salt=0):
    """Hard edges everywhere: the filter overshoots at every pixel."""
    i = np.arange(width * height * channels, dtype=np.int64) + salt
    return ((i * 7919 + (i * i % 251) * 31 + i // 97) % 256).astype(np.uint8)


def picture(width, height, salt=0):
    return Image.fromarray(noise(width, height, 3, salt).reshape(height, width, 3))


def grey(width, height):
    return Image.fromarray(noise(width, height, 1).reshape(height, width))


def mask(sides, painted, value=255):
    data = np.zeros((sides[1], sides[0]), np.uint8)
    for left, top, width, height in painted:
        data[top:top + height, left:left + width] = value
    return Image.fromarray(data)


def sha(image):
    return hashlib.sha256(np.asarray(image).tobytes()).hexdigest()


def fitted(processor, image, sides, mode):
    result = processor.resize(image, sides[1], sides[0], mode)
    return result.convert(image.mode)


def main():
    processor = VaeImageProcessor()
    masks = VaeImageProcessor(do_normalize=False, do_binarize=True, do_convert_grayscale=True)
    resizes = [{"from": a, "to": b, "rgb": sha(picture(*a).resize(b, Image.LANCZOS)), "grey": sha(grey(*a).resize(b, Image.LANCZOS))} for a, b in SIZES]
    fits = [{"from": a, "to": b, "mode": mode, "rgb": sha(fitted(processor, picture(*a), b, mode)), "grey": sha(fitted(processor, grey(*a), b, mode))} for a, b in FITS for mode in ("default", "crop", "fill")]
    regions = []
    for sides, painted, drawing, padding in REGIONS:
        x1, y1, x2, y2 = masks.get_crop_region(mask(sides, painted, 1), *drawing, pad=padding)
        regions.append({"sides": sides, "painted": painted, "drawing": drawing, "padding": padding, "region": {"left": int(x1), "top": int(y1), "width": int(x2 - x1), "height": int(y2 - y1)}})
    pastes = []
    for sides, painted, value, region, drawing in PASTES:
        coords = None if region is None else (region[0], region[1], region[0] + region[2], region[1] + region[3])
        result = processor.apply_overlay(mask(sides, painted, value), picture(*sides), picture(*drawing, 1000), coords)
        pastes.append({"sides": sides, "painted": painted, "region": region, "drawing": drawing, "rgb": sha(result)})
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    soft = np.asarray(processor.apply_overlay(ramp, picture(16, 16), picture(16, 16, 1000))).flatten().tolist()
    image = processor.preprocess(picture(16, 8), 8, 16)
    # 127 and 128 lie on the two sides of one half.
    ramp = Image.fromarray(np.linspace(120, 135, 16 * 8).round().astype(np.uint8).reshape(8, 16))
    binary = masks.preprocess(ramp, 8, 16)
    latent = torch.nn.functional.interpolate(masks.preprocess(grey(64, 32), 32, 64), size=(4, 8))
    tensors = {
        "image": hashlib.sha256(image.numpy().tobytes()).hexdigest(),
        "mask": binary.flatten().int().tolist(),
        "masked": hashlib.sha256((image * (binary < 0.5)).numpy().tobytes()).hexdigest(),
        "latentMask": latent.flatten().int().tolist(),
    }
    about = f"Pillow {PIL.__version__}, diffusers {diffusers.__version__}, by e2e/parity/make_image_goldens.py"
    parts = [f'"about": {json.dumps(about)}', f'"tensors": {json.dumps(tensors)}', f'"soft": {json.dumps(soft)}']
    for name, rows in (("resizes", resizes), ("fits", fits), ("regions", regions), ("pastes", pastes)):
        lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
        parts.append(f'"{name}": [\n{lines}\n]')
    OUT.mkdir(exist_ok=True)
    (OUT / "images.json").write_text("{" + ",\n".join(parts) + "}\n")


if __name__ == "__main__":
    main()
