"""
Full-size models with random weights, and one call of each in torch; the other half is full_size.ts. Nothing of it is in the tests: it
takes 16 GB of memory and of disk.

    python e2e/graphs/full_size.py FOLDER [sd15 sdxl text vae]

FOLDER/NAME.safetensors: float16 weights (the reference computes in float32 with the same values). FOLDER/NAME.golden.safetensors: in and out.
"""
import resource
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

import configs
import models
from make_goldens import golden_values

DTYPE = "F16"


def peak():
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB peak"


def unet(name, side):
    def make():
        return models.make_unet(configs.FULL_UNETS[name])

    def run(model):
        inputs = models.unet_inputs(configs.FULL_UNETS[name], 900, batch=1, side=side)
        return inputs, {"out_sample": models.run_unet(model, inputs)}

    return make, run


def run_text(model):
    ids = torch.randint(3, 49406, (1, 77), generator=torch.Generator().manual_seed(901))
    ids[0, 0], ids[0, 20:] = 49406, 49407
    with torch.no_grad():
        result = model(ids, output_hidden_states=True)
    states = {f"hidden_states.{at}": state for at, state in enumerate(result.hidden_states)}
    return {"input_ids": ids}, {"last_hidden_state": result.last_hidden_state, "pooler_output": result.pooler_output, **states}


def run_vae(model):
    generator = torch.Generator().manual_seed(902)
    latents, picture = torch.randn(1, 4, 64, 64, generator=generator), torch.rand(1, 3, 256, 256, generator=generator) * 2 - 1
    with torch.no_grad():
        out = {"sample": model.decode(latents).sample, "latent_parameters": model.encode(picture).latent_dist.parameters}
    return {"latent_sample": latents, "sample": picture}, out


PARTS = {
    "mid": unet("mid", 32),
    "sd15": unet("sd15", 64),
    "sdxl": unet("sdxl", 64),
    "text": (lambda: models.make_text(configs.FULL_TEXT, False), run_text),
    "vae": (lambda: models.make_vae(configs.FULL_VAE), run_vae),
}


def main(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        make, run = PARTS[name]
        model = models.randomise(make(), 910, DTYPE)
        count = sum(value.numel() for value in model.parameters())
        began = time.perf_counter()
        inputs, outputs = run(model)
        print(f"{name}: {count / 1e6:.0f} M weights, torch {time.perf_counter() - began:.1f} s, {peak()}", flush=True)
        save_file(golden_values(inputs, outputs), folder / f"{name}.golden.safetensors")
        # In place: both types at once would be half as much again.
        save_file(models.stored(model.to(models.DTYPES[DTYPE]), DTYPE), folder / f"{name}.safetensors")
        del model


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or [name for name in PARTS if name != "mid"])
