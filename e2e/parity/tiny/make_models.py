"""Writes the tiny models as ONNX parts that folder.ts puts together: python make_models.py [--out DIR]

With --bench DIR it writes one larger Stable Diffusion model instead, as an ONNX folder and, in DIR/torch, as a folder of
torch weights: a model for timings whose two forms have the same weights.
"""

import argparse
import json
import pathlib
import shutil

import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline
from export import export_text, export_unet, export_vae
from models import (
    FIXTURES,
    SD_SCHEDULER,
    TOKENIZER,
    VARIANTS,
    class_name,
    half,
    part,
    tokenizer_files,
    unet,
    vae,
)

ORT = "optimum.onnxruntime.modeling_diffusion"
MODEL_CLASSES = {
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "text_encoder": [ORT, "ORTTextEncoder"],
    "unet": [ORT, "ORTUnet"],
    "vae_encoder": [ORT, "ORTVaeEncoder"],
    "vae_decoder": [ORT, "ORTVaeDecoder"],
}
# Stored once, used by several folders: a folder is its parts laid over one another.
LAYERS = {
    "tokenizer": {"tokenizer": ["tokenizer"]},
    "tokenizer_2": {"tokenizer_2": ["tokenizer", "tokenizer_2"]},
    "text_encoder": {"text_encoder": ["text_encoder"]},
    "text_encoder_xl": {"text_encoder": ["text_encoder_xl"]},
    "text_encoder_2": {"text_encoder_2": ["text_encoder_2"]},
    "vae": {"vae_encoder": ["vae_encoder", "vae"], "vae_decoder": ["vae_decoder", "vae"]},
    "vae_xl": {"vae_encoder": ["vae_encoder", "vae_xl"], "vae_decoder": ["vae_decoder", "vae_xl"]},
    "vae_norm": {"vae_encoder": ["vae_encoder", "vae_norm"], "vae_decoder": ["vae_decoder", "vae_norm"]},
}


def dump(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2) + "\n")


def config_of(module, architecture=None):
    if architecture is None:
        return json.loads(module.to_json_string())
    config = {key: value for key, value in module.config.to_dict().items() if not key.startswith("_") and key != "dtype"}
    return {**config, "architectures": [architecture]}


def model_index(variant, folders, facts):
    index = {"_class_name": class_name(variant), "_diffusers_version": "0.35.1"}
    scheduler = VARIANTS[variant][1]["_class_name"]
    index |= {folder: MODEL_CLASSES[folder.removesuffix("_2")] for folder in folders}
    index |= {"scheduler": ["diffusers", scheduler]}
    if not variant.startswith("sdxl"):
        index |= {"safety_checker": [None, None], "feature_extractor": [None, None], "requires_safety_checker": False}
    elif "text_encoder" not in folders:
        index |= {"text_encoder": [None, None], "tokenizer": [None, None]}
    return index | facts


def write_parts(parts):
    for name in ("unet_sd", "unet_sd_inpaint", "unet_sd_lcm", "unet_xl", "unet_xl_inpaint", "unet_xl_refiner"):
        export_unet(part(name), parts / name / "model.onnx")
        dump(parts / name / "config.json", config_of(part(name)))
    for name, pooled, hidden in (
        ("text_encoder", False, False),
        ("text_encoder_xl", False, True),
        ("text_encoder_2", True, True),
    ):
        export_text(part(name), parts / name / "model.onnx", pooled, hidden)
        dump(parts / name / "config.json", config_of(part(name), "CLIPTextModelWithProjection" if pooled else "CLIPTextModel"))
    export_vae(part("vae"), parts / "vae_encoder/model.onnx", parts / "vae_decoder/model.onnx")
    for name in ("vae", "vae_xl", "vae_norm"):
        dump(parts / name / "config.json", config_of(part(name)))
    for name, pad in (("tokenizer", "<|endoftext|>"), ("tokenizer_2", "!")):
        (parts / name).mkdir(parents=True)
        for file, text in tokenizer_files(pad).items():
            (parts / name / file).write_text(text + "\n")
    for file in ("vocab.json", "merges.txt"):
        shutil.copy(TOKENIZER / file, parts / "tokenizer" / file)


def write_tiny(out):
    shutil.rmtree(out / "parts", ignore_errors=True)
    write_parts(out / "parts")
    variants = {}
    for variant, (chosen, scheduler, facts) in VARIANTS.items():
        folders = {"unet": [chosen["unet"]]}
        for key, name in chosen.items():
            folders |= {} if key == "unet" else LAYERS[name]
        variants[variant] = {"folders": folders, "modelIndex": model_index(variant, folders, facts), "scheduler": scheduler}
    dump(out / "variants.json", variants)


def write_bench(out):
    """256 x 256 pixels, a UNet of 64 and 128 channels with attention on the outer level."""
    net = unet(21, widths=(64, 128), size=32, attention_head_dim=2)
    decoder = vae((16, 32, 32, 64))
    shutil.rmtree(out, ignore_errors=True)
    scheduler = DDIMScheduler.from_config(SD_SCHEDULER)
    pipeline = StableDiffusionPipeline(
        vae=decoder,
        text_encoder=part("text_encoder"),
        tokenizer=part("tokenizer"),
        unet=half(net),
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(out / "torch")
    # Sums are longer here, so rounding is more.
    export_unet(net, out / "unet/model.onnx", side=32, tolerance=1e-4)
    export_text(part("text_encoder"), out / "text_encoder/model.onnx", False, False)
    export_vae(decoder, out / "vae_encoder/model.onnx", out / "vae_decoder/model.onnx", side=32, tolerance=1e-4)
    dump(out / "unet/config.json", config_of(net))
    dump(out / "text_encoder/config.json", config_of(part("text_encoder"), "CLIPTextModel"))
    for folder in ("vae_encoder", "vae_decoder"):
        dump(out / folder / "config.json", config_of(decoder))
    (out / "tokenizer").mkdir()
    for file, text in tokenizer_files("<|endoftext|>").items():
        (out / "tokenizer" / file).write_text(text + "\n")
    for file in ("vocab.json", "merges.txt"):
        shutil.copy(TOKENIZER / file, out / "tokenizer" / file)
    dump(out / "scheduler/scheduler_config.json", json.loads(scheduler.to_json_string()))
    index = model_index("sd", ["tokenizer", "text_encoder", "unet", "vae_encoder", "vae_decoder"], {})
    dump(out / "model_index.json", index | {"scheduler": ["diffusers", "DDIMScheduler"]})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, default=FIXTURES)
    parser.add_argument("--bench", type=pathlib.Path)
    args = parser.parse_args()
    torch.set_num_threads(2)
    write_tiny(args.out) if args.bench is None else write_bench(args.bench)


if __name__ == "__main__":
    main()
