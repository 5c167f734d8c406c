"""LoRAs in the layouts people have, on the small checkpoints of ../checkpoints, and what diffusers draws with them: python make_goldens.py

Writes manifests.json.gz (names, shapes and alphas of every LoRA; the numbers come from ../checkpoints/formula.py) and goldens.json (latents after
the last of the steps). Every layer of a file has to arrive in the model, or nothing is written. Versions: ../parity/requirements.txt, peft 0.21.2.
"""

import argparse
import gzip
import json
import pathlib
import re
import sys
import tempfile
import warnings

import diffusers
import peft
import safetensors.torch
import torch
import transformers

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "checkpoints"))
import ldm_names  # noqa: E402
import make_fixtures as base  # noqa: E402
from formula import values  # noqa: E402

CALL = dict(base.CALL) | {"height": 64, "width": 64}
STEPS = CALL["num_inference_steps"]
# The step at whose end the strengths change.
LIVE_STEP = 1
CURVE = [[0.0, 0.9], [1.0, -0.3]]


def linear_layers(module):
    """Names and shapes of what LoRAs are trained for: the linear layers and, last, 1 x 1 convolutions of transformers."""
    return {name: list(part.weight.shape) for name, part in module.named_modules() if isinstance(part, torch.nn.Linear)}


def conv_layers(module):
    return {name: list(part.weight.shape) for name, part in module.named_modules() if isinstance(part, torch.nn.Conv2d)}


def ldm_layer(name, config):
    attends = [block.startswith("CrossAttn") for block in config["down_block_types"]]
    return ldm_names.unet(f"{name}.weight", config["layers_per_block"], attends).removesuffix(".weight")


def entries(stem, down_name, up_name, shape, rank, kind, tucker=None):
    """The tensors of one layer: [name, type, shape]."""
    kernel = shape[2:]
    if tucker is not None:
        inner = [[f"{stem}{down_name}", kind, [rank, shape[1], 1, 1]], [f"{stem}{tucker}", kind, [rank, rank, *kernel]]]
    else:
        inner = [[f"{stem}{down_name}", kind, [rank, shape[1], *kernel]]]
    return [*inner, [f"{stem}{up_name}", kind, [shape[0], rank, *([1] * len(kernel))]]]


def text_name(name):
    return name if name.startswith("text_model.") or name == "text_projection" else f"text_model.{name}"


def in_attention(name):
    return re.search(r"\.attn[12]\.to_(q|k|v|out\.0)$", name) is not None


def in_transformer(name):
    return ".transformer_blocks." in name or name.endswith((".proj_in", ".proj_out"))


def kohya(modules, config, ldm, tucker=False, convs=False):
    """kohya's sd-scripts; with convolutions, LyCORIS' LoCon. SDXL is trained with the original UNet's names."""
    result, rank, alpha = [], 4, 2.0
    layers = linear_layers(modules["unet"]) | conv_layers(modules["unet"])
    for index, (name, shape) in enumerate(sorted(layers.items())):
        is_spatial = len(shape) == 4 and shape[2] == 3
        if not in_transformer(name) and not convs or index % 3 == 2:
            continue
        stem = "lora_unet_" + (ldm_layer(name, config) if ldm else name).replace(".", "_")
        mid = ".lora_mid.weight" if tucker and is_spatial and index % 2 == 0 else None
        result += entries(stem, ".lora_down.weight", ".lora_up.weight", shape, rank, "F16", mid)
        result.append([f"{stem}.alpha", "F16", [], alpha])
    for part, prefix in (("text_encoder", "lora_te1" if ldm else "lora_te"), ("text_encoder_2", "lora_te2")):
        for name, shape in sorted(linear_layers(modules[part]).items()) if part in modules else []:
            if name == "text_projection":
                continue
            stem = f"{prefix}_{text_name(name)}".replace(".", "_")
            result += entries(stem, ".lora_down.weight", ".lora_up.weight", shape, rank, "F16")
            result.append([f"{stem}.alpha", "F16", [], alpha])
    return result


def peft_layout(modules):
    """As diffusers' training scripts save now; no alphas."""
    result = []
    for part in [name for name in modules if name != "vae"]:
        for name, shape in sorted(linear_layers(modules[part]).items()):
            if part == "unet" and not in_attention(name) or part != "unet" and "self_attn" not in name:
                continue
            own = name if part == "unet" else text_name(name)
            result += entries(f"{part}.{own}", ".lora_A.weight", ".lora_B.weight", shape, 3, "F32")
    return result


def peft_metadata(manifest):
    """PEFT's config as diffusers keeps it since 0.34: here stand the alphas, one layer's own among them."""
    parts = {}
    for name, *_ in manifest:
        part, layer = name.split(".", 1)
        if layer.endswith(".lora_A.weight"):
            # The version of transformers decides whether there is a text_model before them.
            parts.setdefault(part, []).append(layer.removesuffix(".lora_A.weight").removeprefix("text_model.encoder."))
    own = {"r": 3, "lora_alpha": 1.5, "rank_pattern": {}}
    told = {part: own | {"target_modules": layers, "alpha_pattern": {layers[0]: 0.75}} for part, layers in parts.items()}
    return {"lora_adapter_metadata": json.dumps({f"{part}.{key}": value for part, config in told.items() for key, value in config.items()})}


def old_diffusers(modules):
    """The time of attention processors."""
    result = []
    for name, shape in sorted(linear_layers(modules["unet"]).items()):
        if in_attention(name):
            stem = "unet." + re.sub(r"\.(to_(?:q|k|v|out))(?:\.0)?$", r".processor.\1_lora", name)
            result += entries(stem, ".down.weight", ".up.weight", shape, 2, "F32")
    for name, shape in sorted(linear_layers(modules["text_encoder"]).items()):
        if "self_attn" in name:
            result += entries(f"text_encoder.{text_name(name)}.lora_linear_layer", ".down.weight", ".up.weight", shape, 2, "F32")
    return result


def write_lora(path, manifest, metadata):
    tensors = {}
    for name, kind, shape, *value in manifest:
        numbers = torch.tensor(value[0]) if value else torch.from_numpy(values(name, shape))
        tensors[name] = numbers.to(base.TYPES[kind])
    safetensors.torch.save_file(tensors, path, metadata=metadata)


def layers_in(manifest):
    return sum(1 for name, *_ in manifest if re.search(r"(lora_down|lora_A|down)\.weight$", name))


def arrived(pipeline, adapter):
    parts = [getattr(pipeline, name) for name in ("unet", "text_encoder", "text_encoder_2") if getattr(pipeline, name, None) is not None]
    return sum(adapter in module.lora_A for part in parts for module in part.modules() if hasattr(module, "lora_A"))


def load(pipeline, folder, manifest, name):
    pipeline.load_lora_weights(str(folder), weight_name=f"{name}.safetensors", adapter_name=name)
    if arrived(pipeline, name) != layers_in(manifest):
        raise SystemExit(f"{name}: {arrived(pipeline, name)} of {layers_in(manifest)} layers arrived")


def merge(pipeline, folder, manifest, name, strength, modules, config, ldm):
    """Where diffusers does not read a layout: LyCORIS' own arithmetic on the weights (lycoris/functional/locon.py, general.py)."""
    tensors = {key: value.float() for key, value in safetensors.torch.load_file(folder / f"{name}.safetensors").items()}
    places = {}
    for layer in linear_layers(modules["unet"]) | conv_layers(modules["unet"]):
        places["lora_unet_" + (ldm_layer(layer, config) if ldm and in_ldm(layer) else layer).replace(".", "_")] = (pipeline.unet, layer)
    for part, prefix in (("text_encoder", "lora_te1" if ldm else "lora_te"), ("text_encoder_2", "lora_te2")):
        for layer in linear_layers(modules[part]) if part in modules else []:
            places[f"{prefix}_{text_name(layer)}".replace(".", "_")] = (getattr(pipeline, part), layer)
    done = 0
    for key, down in tensors.items():
        if not key.endswith(".lora_down.weight"):
            continue
        stem = key.removesuffix(".lora_down.weight")
        up, mid, alpha = tensors[f"{stem}.lora_up.weight"], tensors.get(f"{stem}.lora_mid.weight"), tensors[f"{stem}.alpha"].item()
        root, layer = places[stem]
        if mid is None:
            delta = (up.flatten(1) @ down.flatten(1)).reshape(up.shape[0], *down.shape[1:])
        else:
            delta = torch.einsum("ijkl,jr,pi->prkl", mid, down.flatten(1), up.flatten(1))
        with torch.no_grad():
            root.get_submodule(layer).weight += strength * alpha / down.shape[0] * delta
        done += 1
    if done != layers_in(manifest):
        raise SystemExit(f"{name}: {done} of {layers_in(manifest)} layers merged")


def in_ldm(layer):
    return not layer.startswith("conv_norm")


def latents_of(pipeline, on_step=None, **call):
    seen = []

    def end(pipe, index, timestep, tensors):
        seen.append(tensors["latents"].numpy().copy())
        return on_step(pipe, index, tensors) if on_step is not None else tensors

    pipeline.set_progress_bar_config(disable=True)
    inputs = ["latents", *(["prompt_embeds"] if on_step is not None else [])]
    if on_step is not None and hasattr(pipeline, "text_encoder_2"):
        inputs.append("add_text_embeds")
    pipeline(**{**CALL, **call}, output_type="latent", generator=torch.Generator().manual_seed(7), callback_on_step_end=end, callback_on_step_end_tensor_inputs=inputs)
    return base.encoded(seen[-1].astype("<f4"))


def weights_of(strength, text=None):
    text = strength if text is None else text
    return {"unet": strength, "text_encoder": text, "text_encoder_2": text}


def set_strengths(pipeline, *pairs):
    """@param pairs of a LoRA's name and its strength, or its strengths for the UNet and the text encoders"""
    has_second = getattr(pipeline, "text_encoder_2", None) is not None
    scales = [weights_of(*(strength if isinstance(strength, tuple) else (strength,))) for _, strength in pairs]
    if not has_second:
        scales = [{key: value for key, value in scale.items() if key != "text_encoder_2"} for scale in scales]
    pipeline.set_adapters([name for name, _ in pairs], adapter_weights=scales)


def encoded_again(pipeline, tensors):
    """The embeddings as the pipeline makes them at its start, with the strengths of now: what its loop goes on with."""
    given = {"prompt": CALL["prompt"], "negative_prompt": CALL["negative_prompt"], "device": "cpu", "num_images_per_prompt": 1, "do_classifier_free_guidance": True}
    result = pipeline.encode_prompt(**given)
    tensors = dict(tensors) | {"prompt_embeds": torch.cat([result[1], result[0]])}
    if len(result) > 2:
        tensors["add_text_embeds"] = torch.cat([result[3], result[2]])
    return tensors


def live(name, before, after):
    def on_step(pipe, index, tensors):
        if index != LIVE_STEP:
            return {"latents": tensors["latents"]}
        set_strengths(pipe, (name, after))
        return encoded_again(pipe, tensors)

    return on_step


def at_share(share):
    (first, low), (last, high) = CURVE
    return low + (high - low) * (share - first) / (last - first)


def along_curve(name):
    """Step i of T has the strength at i / (T - 1); the text encoders were run before, with the strength of the request."""

    def on_step(pipe, index, tensors):
        if index + 1 < STEPS:
            set_strengths(pipe, (name, at_share((index + 1) / (STEPS - 1))))
        return {"latents": tensors["latents"]}

    return on_step


def goldens_of(open_pipeline, folder, manifests, merged):
    """@param merged LoRAs that diffusers cannot read, in the second place of merge's arguments"""
    result = {"none": latents_of(open_pipeline())}
    readable = [name for name in manifests if name not in merged]
    for name in readable:
        pipeline = open_pipeline()
        load(pipeline, folder, manifests[name], name)
        for strength in (1.0, 0.5, -0.7, 0.0):
            set_strengths(pipeline, (name, strength))
            result[f"{name}:{strength:g}"] = latents_of(pipeline)
        set_strengths(pipeline, (name, (0.8, 0.2)))
        result[f"{name}:0.8:0.2"] = latents_of(pipeline)
        set_strengths(pipeline, (name, 0.3))
        result[f"{name}:live"] = latents_of(pipeline, live(name, 0.3, 0.9))
        set_strengths(pipeline, (name, (CURVE[0][1], 0.6)))
        result[f"{name}:curve"] = latents_of(pipeline, along_curve(name))
    first, second = readable[:2]
    pipeline = open_pipeline()
    for name in (first, second):
        load(pipeline, folder, manifests[name], name)
    set_strengths(pipeline, (first, 0.6), (second, -0.4))
    result[f"{first}:0.6 {second}:-0.4"] = latents_of(pipeline)
    for name, args in merged.items():
        pipeline = open_pipeline()
        merge(pipeline, folder, manifests[name], name, 0.7, *args)
        result[f"{name}:0.7"] = latents_of(pipeline)
    return result


def make(variant_name, place):
    variant = base.VARIANTS[variant_name]
    folder = place / variant_name
    folder.mkdir(parents=True)
    base.write_configs(variant, folder)
    modules = base.modules_of(folder, variant)
    shapes = {part: base.shapes_of(module, folder) for part, module in modules.items()}
    file = place / f"{variant_name}.safetensors"
    base.write_weights(file, [[key, base.type_of(key, variant["type"]), shape] for key, shape in sorted(base.single_shapes(variant, shapes).items())])
    config, is_xl = variant["unet"], base.is_xl(variant)
    manifests = {"kohya": kohya(modules, config, is_xl), "peft": peft_layout(modules)}
    if not is_xl:
        manifests["old"] = old_diffusers(modules)
    manifests["locon"] = kohya(modules, config, is_xl, convs=True)
    manifests["tucker"] = kohya(modules, config, is_xl, tucker=True, convs=True)
    # Those of Stable Diffusion stay as older versions have written them, with alphas that are the rank.
    metadata = {name: peft_metadata(manifest) if name == "peft" and is_xl else {} for name, manifest in manifests.items()}
    for name, manifest in manifests.items():
        write_lora(folder / f"{name}.safetensors", manifest, metadata[name])
    merged = {name: (modules, config, is_xl) for name in ("locon", "tucker")}
    found = goldens_of(lambda: base.from_single_file(variant, file, folder), folder, manifests, merged)
    print(variant_name, {name: layers_in(manifest) for name, manifest in manifests.items()}, len(found), "pictures", flush=True)
    return {name: {"tensors": manifest, "metadata": metadata[name]} for name, manifest in manifests.items()}, found


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    warnings.simplefilter("ignore")
    diffusers.utils.logging.set_verbosity_error()
    transformers.utils.logging.set_verbosity_error()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        made = {name: make(name, pathlib.Path(temporary)) for name in ("sd1", "sdxl")}
    text = json.dumps({name: manifests for name, (manifests, _) in made.items()}, separators=(",", ":"))
    (HERE / "manifests.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    versions = {module.__name__: module.__version__ for module in (torch, diffusers, transformers, peft)}
    goldens = {name: found for name, (_, found) in made.items()}
    (HERE / "goldens.json").write_text(json.dumps({"madeWith": versions, "call": CALL, "liveStep": LIVE_STEP, "curve": CURVE, "goldens": goldens}, indent=1) + "\n")


if __name__ == "__main__":
    main()
