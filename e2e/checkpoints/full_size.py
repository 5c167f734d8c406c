"""Writes Stable Diffusion 1.5 or SDXL with random weights as one single-file checkpoint in float16.

Run: python full_size.py sd15 FILE.safetensors   (or sdxl; packages of e2e/parity/requirements.txt)
The weights are those of e2e/fullsize/make.py, so its ONNX exports hold the same ones. One tensor is in memory at a time.
"""

import argparse
import json
import pathlib
import sys

import numpy as np
import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "fullsize"))
from ldm_names import OPEN_CLIP, unet as ldm_unet, vae as ldm_vae  # noqa: E402
from make import drawn  # noqa: E402
from shapes import parts  # noqa: E402

PREFIXES = {
    "sd15": {"text_encoder": "cond_stage_model.transformer."},
    "sdxl": {"text_encoder": "conditioner.embedders.0.transformer.", "text_encoder_2": "conditioner.embedders.1.model."},
}


def shapes_of(module):
    return {name: tuple(parameter.shape) for name, parameter in module.named_parameters()}


def plain(part, names, rename):
    """One tensor of the file for every one of the module. @returns (name, shape, function that makes it)"""
    for name, shape in names.items():
        final = rename(name)
        stored = (*shape, 1, 1) if ".attn_1." in final and len(shape) == 2 else shape
        yield final, stored, lambda name=name, shape=shape, stored=stored: drawn(f"{part}.{name}", shape).reshape(stored)


def whole_name(name):
    return name if name.startswith(("text_model.", "text_projection")) else f"text_model.{name}"


def open_clip(part, names, prefix):
    """OpenCLIP keeps queries, keys and values in one matrix, and its projection the other way round."""
    outer = {
        "text_model.embeddings.position_embedding.weight": "positional_embedding",
        "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
        "text_model.final_layer_norm.weight": "ln_final.weight",
        "text_model.final_layer_norm.bias": "ln_final.bias",
    }
    for name, shape in names.items():
        full = whole_name(name)
        kind = full.rsplit(".", 1)[1]
        if full == "text_projection.weight":
            yield f"{prefix}text_projection", shape[::-1], lambda name=name, shape=shape: drawn(f"{part}.{name}", shape).T
        elif full in outer:
            yield f"{prefix}{outer[full]}", shape, lambda name=name, shape=shape: drawn(f"{part}.{name}", shape)
        else:
            layer, inner = full.removeprefix("text_model.encoder.layers.").split(".", 1)
            block, inner = f"{prefix}transformer.resblocks.{layer}", inner.rsplit(".", 1)[0]
            if inner in ("self_attn.k_proj", "self_attn.v_proj"):
                continue
            if inner == "self_attn.q_proj":
                three = [name.replace("q_proj", one) for one in ("q_proj", "k_proj", "v_proj")]
                stacked = (3 * shape[0], *shape[1:])
                yield f"{block}.attn.in_proj_{kind}", stacked, lambda three=three, shape=shape: np.concatenate(
                    [drawn(f"{part}.{one}", shape) for one in three]
                )
            else:
                yield f"{block}.{OPEN_CLIP[inner]}.{kind}", shape, lambda name=name, shape=shape: drawn(f"{part}.{name}", shape)


def tensors(model):
    modules = {part: module for part, _, module, *_ in parts(model, torch.float16)}
    attends = [block.startswith("CrossAttn") for block in modules["unet"].config.down_block_types]
    yield from plain(f"{model}.unet", shapes_of(modules["unet"]), lambda name: f"model.diffusion_model.{ldm_unet(name, 2, attends)}")
    yield from plain(f"{model}.vae", shapes_of(modules["vae_decoder"]), lambda name: f"first_stage_model.{ldm_vae(name, 4)}")
    prefixes = PREFIXES[model]
    yield from plain(f"{model}.text_encoder", shapes_of(modules["text_encoder"]), lambda name: f"{prefixes['text_encoder']}{whole_name(name)}")
    if model == "sdxl":
        yield from open_clip(f"{model}.text_encoder_2", shapes_of(modules["text_encoder_2"]), prefixes["text_encoder_2"])


def write(model, file):
    entries = sorted(tensors(model), key=lambda entry: entry[0])
    header, at = {}, 0
    for name, shape, _ in entries:
        length = 2 * int(np.prod(shape, dtype=np.int64))
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [at, at + length]}
        at += length
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)
    with file.open("wb") as out:
        out.write(len(encoded).to_bytes(8, "little") + encoded)
        for name, shape, make in entries:
            out.write(np.ascontiguousarray(make().astype(np.float16)).tobytes())
    print(f"{file}: {len(entries)} tensors, {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=list(PREFIXES))
    parser.add_argument("file", type=pathlib.Path)
    given = parser.parse_args()
    write(given.model, given.file)
