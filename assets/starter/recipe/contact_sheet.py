"""Draws a sheet of prompts x (no CFG, default CFG, CFG off after 40 %), one fixed seed per row, none left out."""

import argparse
import textwrap
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from export import EXAMPLES
from pipeline import Pipeline

MORE = [
    "A White House, snow, mountains, at night, stars",
    "blue house on the right, palm tree, beach, blue sky, sun",
    "a pine tree and a lake on green grass with mountains under a grey cloudy sky",
    "a yellow house",
]
FIRST_SEED = 1
MOST_BYTES = 700_000


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--checkpoint", default="unet.pt")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--guidance", type=float, default=3.5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    pipeline = Pipeline(options.work, options.checkpoint)
    prompts = EXAMPLES + MORE
    seeds = [FIRST_SEED + index for index in range(len(prompts))]
    columns = {
        "no CFG": {"guidance": 1.0},
        f"CFG {options.guidance:g}": {"guidance": options.guidance},
        f"CFG {options.guidance:g}, off after 40 %": {"guidance": options.guidance, "cutoff": 0.4},
    }
    show = min(options.size, 144)
    half, caption_height, gap, head = (len(prompts) + 1) // 2, 30, 4, 16
    block = len(columns) * (show + gap)
    height = head + half * (show + caption_height + gap)
    sheet = Image.new("RGB", (2 * block + 12, height), "white")
    draw = ImageDraw.Draw(sheet)
    for column, (title, settings) in enumerate(columns.items()):
        pictures = pipeline.generate(prompts, seeds, size=options.size, **settings)
        arrays = pictures.add(1).mul(127.5).round().byte().permute(0, 2, 3, 1).numpy()
        for index, array in enumerate(arrays):
            left = (index // half) * (block + 12) + column * (show + gap)
            top = head + (index % half) * (show + caption_height + gap) + caption_height
            picture = Image.fromarray(np.ascontiguousarray(array))
            if show != options.size:
                picture = picture.resize((show, show), Image.Resampling.LANCZOS)
            sheet.paste(picture, (left, top))
        for side in (0, 1):
            draw.text((side * (block + 12) + column * (show + gap), 2), title, fill="black")
    for index, prompt in enumerate(prompts):
        left = (index // half) * (block + 12)
        top = head + (index % half) * (show + caption_height + gap)
        draw.multiline_text((left, top + 4), "\n".join(textwrap.wrap(prompt, 74)), fill="black", spacing=0)
    temporary = options.out.with_suffix(".tmp")
    sheet.save(temporary, "PNG", optimize=True)
    if temporary.stat().st_size > MOST_BYTES:
        palette = sheet.quantize(256, method=Image.Quantize.MAXCOVERAGE)
        sheet.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(temporary, "PNG", optimize=True)
    temporary.replace(options.out)
    print(options.out, options.out.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
