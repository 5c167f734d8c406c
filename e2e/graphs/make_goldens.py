"""
Tiny models with random weights and what torch, diffusers and transformers compute with them, for
electron/engine/graph/architectures/architectures.test.ts:

    python e2e/graphs/make_goldens.py            (packages: requirements.txt beside this file)

golden/NAME.safetensors: the weights as a user's file holds them. golden/NAME.golden.safetensors: `in.*` and `out.*`, float32.
golden/cases.json: the configs of the models and the versions of the packages. A second run gives the same bytes.
"""
import json
import sys
from importlib.metadata import version
from pathlib import Path

import torch
from safetensors.torch import save_file

import configs
import lora
import models

FOLDER = Path(__file__).parent / "golden"


def save(name, tensors):
    save_file({key: value.detach().contiguous() for key, value in sorted(tensors.items())}, FOLDER / f"{name}.safetensors")


def golden_values(inputs, outputs):
    values = {**{f"in.{key}": value for key, value in inputs.items()}, **{f"out.{key}": value for key, value in outputs.items()}}
    return {key: value.detach().contiguous().to(torch.float32 if value.is_floating_point() else torch.int32) for key, value in values.items()}


def save_golden(name, inputs, outputs):
    save(f"{name}.golden", golden_values(inputs, outputs))


def deep_features(model, inputs, layers):
    """What the last `layers` up layers are given, and the result of another step that is given it instead of its own."""
    resnet = model.up_blocks[-1].resnets[-layers]
    channels = resnet.in_channels - model.config.block_out_channels[0]
    kept = {}

    def keep(_, args):
        kept["features"] = args[0][:, :channels].clone()

    def reuse(_, args):
        return (torch.cat([kept["features"], args[0][:, channels:]], dim=1), *args[1:])

    hook = resnet.register_forward_pre_hook(keep)
    models.run_unet(model, inputs)
    hook.remove()
    later = {**inputs, "sample": inputs["sample"] * 0.9 + 0.05, "timestep": torch.tensor(721.0)}
    hook = resnet.register_forward_pre_hook(reuse)
    result = models.run_unet(model, later)
    hook.remove()
    return kept["features"], later, result


def unets(cases):
    for index, (name, (config, dtype)) in enumerate(configs.TINY_UNETS.items()):
        model = models.randomise(models.make_unet(config), 100 + index, dtype)
        save(name, models.stored(model, dtype))
        inputs = models.unet_inputs(config, 200 + index)
        outputs = {"out_sample": models.run_unet(model, inputs)}
        if name in ("unet-sd1", "unet-sdxl"):
            for layers in range(1, config["layers_per_block"] + 2):
                features, later, result = deep_features(model, inputs, layers)
                outputs.update({f"deep_features.{layers}": features, f"later.{layers}": result})
                inputs["later"] = later["sample"]
        save_golden(name, inputs, outputs)
        cases[name] = {"config": config, "stored": dtype}


def loras(cases):
    """Merged into the weights by torch, at several strengths, one LoRA and two."""
    name = "unet-sd1"
    config, dtype = configs.TINY_UNETS[name]
    inputs = models.unet_inputs(config, 300)
    make = lambda: models.randomise(models.make_unet(config), 100, dtype)
    chosen = [lora.random_lora(make(), seed) for seed in (400, 401)]
    tensors = {f"{index}.{key}": value for index, one in enumerate(chosen) for key, value in one["tensors"].items()}
    save("lora", tensors)
    outputs = {}
    for label, strengths in {"none": (0, 0), "first": (0.8, 0), "second": (0, 1.0), "both": (0.7, -0.45)}.items():
        outputs[label] = models.run_unet(lora.merged(make(), chosen, strengths), inputs)
    save_golden("lora", inputs, outputs)
    cases["lora"] = {"scales": [one["scales"] for one in chosen]}


def texts(cases):
    for index, (name, (config, projection, dtype)) in enumerate(configs.TINY_TEXTS.items()):
        model = models.randomise(models.make_text(config, projection), 500 + index, dtype)
        save(name, models.stored(model, dtype))
        generator = torch.Generator().manual_seed(600 + index)
        ids = torch.randint(3, 58, (2, 77), generator=generator)
        ids[:, 0] = 58
        for row, end in enumerate((9, 76)):
            ids[row, end] = 59
            ids[row, end + 1:] = config["pad_token_id"]
        with torch.no_grad():
            result = model(ids, output_hidden_states=True)
            base = model.text_model if hasattr(model, "text_model") else model
            normed = [base.final_layer_norm(state) for state in result.hidden_states]
        outputs = {"last_hidden_state": result.last_hidden_state}
        outputs["text_embeds" if projection else "pooler_output"] = result.text_embeds if projection else result.pooler_output
        outputs.update({f"hidden_states.{at}": state for at, state in enumerate(result.hidden_states)})
        outputs.update({f"normed_hidden_states.{at}": state for at, state in enumerate(normed)})
        save_golden(name, {"input_ids": ids}, outputs)
        cases[name] = {"config": config, "projection": projection, "stored": dtype}


def autoencoders(cases):
    for index, (name, (config, dtype)) in enumerate({**configs.TINY_VAES, **configs.TINY_TAESD}.items()):
        tiny = name == "taesd"
        model = models.randomise((models.make_taesd if tiny else models.make_vae)(config), 700 + index, dtype)
        save(name, models.stored(model, dtype))
        generator = torch.Generator().manual_seed(800 + index)
        factor = 2 ** (len(config["decoder_block_out_channels" if tiny else "block_out_channels"]) - 1)
        latents = torch.randn(2, config["latent_channels"], 4, 6, generator=generator)
        picture = torch.rand(1, 3, 4 * factor, 6 * factor, generator=generator) * 2 - 1
        with torch.no_grad():
            encoded = model.encode(picture)
            outputs = {"sample": model.decode(latents).sample}
            if tiny:
                outputs["latent_sample"] = encoded.latents
            else:
                outputs["latent_parameters"] = encoded.latent_dist.parameters
        save_golden(name, {"latent_sample": latents, "sample": picture}, outputs)
        cases[name] = {"config": config, "stored": dtype}


def main():
    torch.set_num_threads(1)
    FOLDER.mkdir(exist_ok=True)
    cases = {}
    for part in (unets, loras, texts, autoencoders):
        part(cases)
    versions = {name: version(name) for name in ("torch", "diffusers", "transformers", "safetensors")}
    (FOLDER / "cases.json").write_text(json.dumps({"versions": versions, "cases": cases}, indent=1) + "\n")
    print(sum(file.stat().st_size for file in FOLDER.iterdir()) / 2**20, "MiB", file=sys.stderr)


if __name__ == "__main__":
    main()
