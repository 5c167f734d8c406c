"""Checkpoints of every family in both layouts, and what diffusers draws with them: python make_fixtures.py [--keep DIR]

Writes fixtures/manifests.json.gz (names and shapes of every file; the numbers come from formula.py) and fixtures/goldens.json.
Single files go through `from_single_file`, folders through `from_pretrained`. --keep leaves the checkpoints in DIR.
Versions: ../parity/requirements.txt.
"""

import argparse
import base64
import gzip
import json
import pathlib
import sys
import tempfile
import warnings

import diffusers
import numpy
import safetensors.torch
import torch
import transformers
from formula import values
from ldm_names import open_clip, unet as ldm_unet, vae as ldm_vae

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "e2e/parity/tiny"))
from models import BEGIN, END, TOKENIZER, VOCABULARY, tokenizer_files  # noqa: E402

OUT = pathlib.Path(__file__).parent / "fixtures"
PICTURES = ROOT / "e2e/fixtures/tiny/pictures"
TYPES = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32}
CALL = {"prompt": "a red house under a night sky with a moon", "negative_prompt": "a yellow house", "num_inference_steps": 4, "guidance_scale": 5.0}
TRAINED = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000, "steps_offset": 1}


def unet_config(widths, depths, text, xl, channels=4, **extra):
    """@param depths transformer blocks of each level, 0 for a level without attention"""
    heads = [max(1, width // 64) for width in widths] if extra.get("use_linear_projection", False) else 8
    return {
        "sample_size": 8,
        "in_channels": channels,
        "out_channels": 4,
        "block_out_channels": widths,
        "layers_per_block": 2,
        "attention_head_dim": heads,
        "cross_attention_dim": text,
        "down_block_types": ["CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in depths],
        "up_block_types": ["CrossAttnUpBlock2D" if depth else "UpBlock2D" for depth in reversed(depths)],
        "transformer_layers_per_block": [max(depth, 1) for depth in depths] if xl else 1,
        **extra,
    }


def added(pooled, count):
    return {"addition_embed_type": "text_time", "addition_time_embed_dim": 16, "projection_class_embeddings_input_dim": pooled + count * 16}


def text_config(width, layers, act, **extra):
    return {
        "vocab_size": len(VOCABULARY),
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": max(1, width // 64),
        "max_position_embeddings": 77,
        "hidden_act": act,
        "bos_token_id": BEGIN,
        "eos_token_id": END,
        "pad_token_id": END,
        **extra,
    }


def vae_config(factor):
    return {
        "block_out_channels": [32, 32, 64, 64],
        "down_block_types": ["DownEncoderBlock2D"] * 4,
        "up_block_types": ["UpDecoderBlock2D"] * 4,
        "layers_per_block": 2,
        "latent_channels": 4,
        "sample_size": 64,
        "scaling_factor": factor,
    }


CLIP = text_config(64, 3, "quick_gelu")
BIG = text_config(128, 2, "gelu", projection_dim=96)
LINEAR = {"use_linear_projection": True}
# Levels and layers are the families' own; only the widths are small.
VARIANTS = {
    "sd1": {
        "unet": unet_config([32, 64, 64, 64], [1, 1, 1, 0], 64, False),
        "text": {"text_encoder": ("clip", CLIP, "cond_stage_model.transformer.")},
        "type": "F16",
        "class": "StableDiffusionPipeline",
    },
    "sd1-inpaint": {
        "unet": unet_config([32, 32, 64, 64], [1, 1, 1, 0], 64, False, channels=9),
        "text": {"text_encoder": ("clip", CLIP, "cond_stage_model.transformer.")},
        "type": "F32",
        "class": "StableDiffusionInpaintPipeline",
    },
    "sd2": {
        "unet": unet_config([32, 64, 128, 128], [1, 1, 1, 0], 64, False, **LINEAR),
        # The last of OpenCLIP-H's 24 layers is not used.
        "text": {"text_encoder": ("open_clip", text_config(64, 23, "gelu"), "cond_stage_model.model.")},
        "type": "BF16",
        "class": "StableDiffusionPipeline",
        "prediction": "v_prediction",
        "pad": "!",
    },
    "sdxl": {
        "unet": unet_config([32, 64, 128], [0, 2, 3], 192, True, **LINEAR, **added(96, 6)),
        "text": {
            "text_encoder": ("clip", CLIP, "conditioner.embedders.0.transformer."),
            "text_encoder_2": ("open_clip", BIG, "conditioner.embedders.1.model."),
        },
        "type": "F16",
        "class": "StableDiffusionXLPipeline",
    },
    "sdxl-refiner": {
        "unet": unet_config([32, 64, 64, 64], [0, 2, 2, 0], 128, True, **LINEAR, **added(96, 5)),
        "text": {"text_encoder_2": ("open_clip", BIG, "conditioner.embedders.0.model.")},
        "type": "F16",
        "class": "StableDiffusionXLImg2ImgPipeline",
    },
}


def is_xl(variant):
    return variant["class"].startswith("StableDiffusionXL")


def index_of(variant):
    names = {"text_encoder": "CLIPTextModel", "text_encoder_2": "CLIPTextModelWithProjection"}
    index = {
        "_class_name": variant["class"],
        "_diffusers_version": "0.35.1",
        "scheduler": ["diffusers", "EulerDiscreteScheduler"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    encoders = ["text_encoder", "text_encoder_2"] if is_xl(variant) else ["text_encoder"]
    for name in encoders:
        there = name in variant["text"]
        index[name] = ["transformers", names[name]] if there else [None, None]
        index[name.replace("text_encoder", "tokenizer")] = ["transformers", "CLIPTokenizer"] if there else [None, None]
    if is_xl(variant):
        refines = "text_encoder" not in variant["text"]
        return index | {"force_zeros_for_empty_prompt": not refines, "requires_aesthetics_score": refines}
    return index | {"safety_checker": [None, None], "feature_extractor": [None, None], "requires_safety_checker": False}


def configs_of(variant):
    """The JSON files of the diffusers folder by path."""
    factor = 0.13025 if is_xl(variant) else 0.18215
    files = {
        "model_index.json": index_of(variant),
        "unet/config.json": {"_class_name": "UNet2DConditionModel", **variant["unet"]},
        "vae/config.json": {"_class_name": "AutoencoderKL", **vae_config(factor)},
        "scheduler/scheduler_config.json": {
            "_class_name": "EulerDiscreteScheduler",
            **TRAINED,
            # As the families' own repositories have it: Stable Diffusion's are silent.
            **({"timestep_spacing": "leading"} if is_xl(variant) else {}),
            "prediction_type": variant.get("prediction", "epsilon"),
        },
    }
    for name, (_, config, _) in variant["text"].items():
        architecture = "CLIPTextModelWithProjection" if name == "text_encoder_2" else "CLIPTextModel"
        files[f"{name}/config.json"] = {"architectures": [architecture], "model_type": "clip_text_model", **config}
    return files


def pads_of(variant):
    """Padding of each tokenizer."""
    usual = {"tokenizer": variant.get("pad", "<|endoftext|>"), "tokenizer_2": "!"}
    return {name.replace("text_encoder", "tokenizer"): usual[name.replace("text_encoder", "tokenizer")] for name in variant["text"]}


def write_configs(variant, folder):
    for name, value in configs_of(variant).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(value))
    for name, pad in pads_of(variant).items():
        (folder / name).mkdir(exist_ok=True)
        for file in ("vocab.json", "merges.txt"):
            (folder / name / file).write_text((TOKENIZER / file).read_text())
        for file, text in tokenizer_files(pad).items():
            (folder / name / file).write_text(text)


def modules_of(folder, variant):
    """Modules with nothing in them, for names and shapes."""
    text = {
        name: (transformers.CLIPTextModelWithProjection if name == "text_encoder_2" else transformers.CLIPTextModel)(
            transformers.CLIPTextConfig(**config)
        )
        for name, (_, config, _) in variant["text"].items()
    }
    return {
        "unet": diffusers.UNet2DConditionModel.from_config(json.loads((folder / "unet/config.json").read_text())),
        "vae": diffusers.AutoencoderKL.from_config(json.loads((folder / "vae/config.json").read_text())),
        **text,
    }


def shapes_of(module, folder):
    """Names and shapes as the module's own `save_pretrained` writes them."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        module.save_pretrained(name, safe_serialization=True)
        file = next(pathlib.Path(name).glob("*.safetensors"))
        return {key: list(tensor.shape) for key, tensor in sorted(safetensors.torch.load_file(file).items())}


def prefixed(shapes, prefix):
    return {f"{prefix}{name}": shape for name, shape in shapes.items()}


def single_shapes(variant, shapes):
    """Names and shapes of the single file."""
    config = variant["unet"]
    attends = [block.startswith("CrossAttn") for block in config["down_block_types"]]
    result = prefixed({ldm_unet(name, config["layers_per_block"], attends): shape for name, shape in shapes["unet"].items()}, "model.diffusion_model.")
    vae = {}
    for name, shape in shapes["vae"].items():
        name = ldm_vae(name, 4)
        vae[name] = [*shape, 1, 1] if "attn_1" in name and len(shape) == 2 else shape
    result |= prefixed(vae, "first_stage_model.")
    for name, (layout, text, prefix) in variant["text"].items():
        own = {key if key.startswith(("text_model.", "text_projection")) else f"text_model.{key}": shape for key, shape in shapes[name].items()}
        if layout == "clip":
            result |= prefixed(own, prefix) | {f"{prefix}text_model.embeddings.position_ids": [1, 77]}
        else:
            result |= prefixed(open_clip(own, text["num_hidden_layers"] + (1 if prefix.startswith("cond_stage") else 0)), prefix)
            result |= {f"{prefix}logit_scale": []}
    return result


def type_of(name, kind):
    return "I64" if name.endswith("position_ids") else kind


def write_weights(path, entries):
    tensors = {}
    for name, kind, shape in entries:
        if kind == "I64":
            tensors[name] = torch.arange(77).reshape(shape)
        else:
            tensors[name] = torch.from_numpy(values(name, shape)).to(TYPES[kind])
    safetensors.torch.save_file(tensors, path)


def picture(name):
    from PIL import Image

    return Image.open(PICTURES / f"{name}.png")


def encoded(array):
    return {"dims": list(array.shape), "base64": base64.b64encode(numpy.ascontiguousarray(array).tobytes()).decode()}


def draw(pipeline, variant):
    """Latents after every step and the picture."""
    call = dict(CALL) | {"generator": torch.Generator().manual_seed(7)}
    if variant["class"].endswith("Img2ImgPipeline"):
        call |= {"image": picture("init").convert("RGB"), "strength": 0.8}
    elif variant["class"].endswith("InpaintPipeline"):
        call |= {"image": picture("init").convert("RGB"), "mask_image": picture("mask").convert("L"), "strength": 1.0, "height": 64, "width": 64}
    else:
        call |= {"height": 64, "width": 64}
    seen = []
    pipeline.set_progress_bar_config(disable=True)
    image = pipeline(**call, callback_on_step_end=lambda _, i, t, tensors: seen.append(tensors["latents"].numpy().copy()) or tensors).images[0]
    return {"latents": encoded(seen[-1].astype("<f4")), "picture": encoded(numpy.asarray(image.convert("RGB")))}


def from_single_file(variant, file, folder):
    cls = getattr(diffusers, variant["class"])
    return cls.from_single_file(str(file), config=str(folder), torch_dtype=torch.float32, local_files_only=True)


def make(name, variant, place):
    folder = place / name
    folder.mkdir(parents=True)
    write_configs(variant, folder)
    shapes = {part: shapes_of(module, folder) for part, module in modules_of(folder, variant).items()}
    kind = variant["type"]
    entries = [[key, type_of(key, kind), shape] for key, shape in sorted(single_shapes(variant, shapes).items())]
    file = place / f"{name}.safetensors"
    write_weights(file, entries)
    single = draw(from_single_file(variant, file, folder), variant)
    parts = {}
    for part, own in shapes.items():
        stem = "model" if part.startswith("text") else "diffusion_pytorch_model"
        parts[f"{part}/{stem}.safetensors"] = [[key, type_of(key, kind), shape] for key, shape in own.items()]
        write_weights(folder / part / f"{stem}.safetensors", parts[f"{part}/{stem}.safetensors"])
    whole = draw(getattr(diffusers, variant["class"]).from_pretrained(str(folder), torch_dtype=torch.float32), variant)
    print(f"{name}: {len(entries)} tensors, {file.stat().st_size} bytes", flush=True)
    manifest = {"single": entries, "folder": parts, "configs": configs_of(variant), "pads": pads_of(variant)}
    return manifest, {"single": single, "folder": whole}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", type=pathlib.Path)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    diffusers.utils.logging.set_verbosity_error()
    transformers.utils.logging.set_verbosity_error()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        place = args.keep or pathlib.Path(temporary)
        made = {name: make(name, variant, place) for name, variant in VARIANTS.items()}
    OUT.mkdir(exist_ok=True)
    text = json.dumps({name: manifest for name, (manifest, _) in made.items()}, separators=(",", ":"))
    (OUT / "manifests.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    versions = {module.__name__: module.__version__ for module in (torch, diffusers, transformers, numpy)}
    goldens = {name: golden for name, (_, golden) in made.items()}
    (OUT / "goldens.json").write_text(json.dumps({"madeWith": versions, "call": CALL, "goldens": goldens}, indent=1) + "\n")


if __name__ == "__main__":
    main()
