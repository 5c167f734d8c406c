"""Small pictures as Pillow writes them and what it reads out of them: pictures.json for decode.test.ts and decodeFile.test.ts.

Made with Pillow 13.0.0 (libjpeg-turbo). Run: python make_golden.py
"""

import base64
import hashlib
import io
import json
import os

import numpy as np
from PIL import Image, ImageOps

rng = np.random.default_rng(0)


def picture(width, height):
    y, x = np.mgrid[0:height, 0:width]
    planes = [128 + 100 * np.sin(x / 7 + y / 11), 128 + 90 * np.cos(x / 5 - y / 13), (x * 3 + y * 5) % 256]
    noisy = np.stack(planes, -1) + rng.normal(0, 12, (height, width, 3))
    return Image.fromarray(noisy.clip(0, 255).astype("uint8"))


def written(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


def resampled(file, width, height, sampling):
    """The same entropy-coded blocks under a header of other sides and luma sampling: kinds Pillow does not write."""
    at = file.index(b"\xff\xc0")
    head = bytearray(file)
    head[at + 5 : at + 9] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    head[at + 11] = sampling
    return bytes(head)


def orientation(value):
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


files = {}
for width, height in [(1, 1), (3, 2), (17, 9), (33, 18)]:
    image = picture(width, height)
    for name, subsampling in [("444", 0), ("422", 1), ("420", 2)]:
        files[f"{width}x{height} {name}.jpg"] = written(image, format="JPEG", quality=88, subsampling=subsampling)
    files[f"{width}x{height} 420 progressive.jpg"] = written(image, format="JPEG", quality=75, progressive=True)
image = picture(33, 18)
files["grey.jpg"] = written(image.convert("L"), format="JPEG", quality=80)
files["rgb.jpg"] = written(image, format="JPEG", quality=80, keep_rgb=True)
files["restarts.jpg"] = written(image, format="JPEG", quality=80, restart_marker_blocks=2)
files["progressive restarts.jpg"] = written(image, format="JPEG", quality=80, progressive=True, restart_marker_rows=1)
files["quality 1.jpg"] = written(image, format="JPEG", quality=1)
files["quality 100.jpg"] = written(image, format="JPEG", quality=100, subsampling=0)
files["440.jpg"] = resampled(written(picture(32, 16), format="JPEG", quality=85, subsampling=1), 16, 32, 0x12)
files["411.jpg"] = resampled(written(picture(32, 32), format="JPEG", quality=85, subsampling=2), 64, 16, 0x41)
for value in range(1, 9):
    files[f"orientation {value}.jpg"] = written(picture(12, 7), format="JPEG", quality=90, exif=orientation(value))
files["orientation 6.png"] = written(picture(5, 3), format="PNG", exif=orientation(6))
for colours in [2, 4, 16, 200]:
    files[f"palette {colours}.png"] = written(image.quantize(colours), format="PNG")
files["grey.png"] = written(image.convert("L"), format="PNG")
files["one bit.png"] = written(image.convert("1"), format="PNG")
files["rgb.png"] = written(image, format="PNG")

out = {}
for name, file in files.items():
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(file)))
    out[name] = {
        "file": base64.b64encode(file).decode(),
        "width": upright.width,
        "height": upright.height,
        "rgb": hashlib.sha256(upright.convert("RGB").tobytes()).hexdigest(),
        "grey": hashlib.sha256(upright.convert("RGB").convert("L").tobytes()).hexdigest(),
    }
    # Not every libjpeg blends these rows of colour alike: compared with a tolerance.
    if name == "440.jpg":
        out[name]["pixels"] = base64.b64encode(upright.convert("RGB").tobytes()).decode()
out["cmyk.jpg"] = {"file": base64.b64encode(written(image.convert("CMYK"), format="JPEG")).decode()}
with open(os.path.join(os.path.dirname(__file__), "pictures.json"), "w") as target:
    json.dump(out, target, indent=1)
    target.write("\n")
