"""What diffusers' UNet draws where steps reuse deep features: python deep_cache_reference.py

DeepCache (arXiv 2312.00858) on the small checkpoints of make_fixtures.py, by a hook: what the deep layers hand to the last layer of the
last up block is kept at the steps that run the whole UNet, and put in the place of what they hand over at the others. That is its
reference implementation (`DeepCacheSDHelper`, cache_branch_id 0) with one difference: the last step is a whole one, too.
Writes fixtures/reuse.json. Versions: ../parity/requirements.txt.
"""

import json
import pathlib
import tempfile
import warnings

import diffusers
import numpy
import torch
import transformers
from make_fixtures import CALL, OUT, VARIANTS, encoded, from_single_file, modules_of, shapes_of, single_shapes, type_of, write_configs, write_weights

CASES = [
    {"variant": "sd1", "steps": 6, "every": 3, "guidance": 5.0},
    {"variant": "sd1", "steps": 5, "every": 2, "guidance": 1.0},
    {"variant": "sdxl", "steps": 6, "every": 2, "guidance": 5.0},
]


def open_variant(name, place):
    variant = VARIANTS[name]
    folder = place / name
    folder.mkdir(parents=True)
    write_configs(variant, folder)
    shapes = {part: shapes_of(module, folder) for part, module in modules_of(folder, variant).items()}
    file = place / f"{name}.safetensors"
    write_weights(file, [[key, type_of(key, variant["type"]), shape] for key, shape in sorted(single_shapes(variant, shapes).items())])
    return from_single_file(variant, file, folder)


class DeepCache:
    """Steps that are not whole ones get what the deep layers gave at the last one that was."""

    def __init__(self, unet, steps, every):
        self.steps, self.every, self.step, self.kept = steps, every, -1, None
        width = unet.config.block_out_channels[0]
        unet.register_forward_pre_hook(self.count)
        # [what the deep layers hand over, what conv_in left at this height]
        unet.up_blocks[-1].resnets[-1].register_forward_pre_hook(lambda module, args: self.exchange(args, args[0].shape[1] - width))

    def count(self, module, args):
        self.step += 1

    @property
    def is_whole(self):
        return self.step % self.every == 0 or self.step == self.steps - 1

    def exchange(self, args, deep):
        both, *rest = args
        if self.is_whole:
            self.kept = both[:, :deep].clone()
            return None
        return (torch.cat([self.kept, both[:, deep:]], 1), *rest)


def draw(pipeline, case):
    """Latents after every step."""
    DeepCache(pipeline.unet, case["steps"], case["every"])
    call = CALL | {"num_inference_steps": case["steps"], "guidance_scale": case["guidance"], "height": 64, "width": 64}
    seen = []
    pipeline.set_progress_bar_config(disable=True)
    pipeline(**call, generator=torch.Generator().manual_seed(7), output_type="latent", callback_on_step_end=lambda _, i, t, tensors: seen.append(tensors["latents"].numpy().copy()) or tensors)
    return numpy.stack(seen).astype("<f4")


def main():
    warnings.simplefilter("ignore")
    diffusers.utils.logging.set_verbosity_error()
    transformers.utils.logging.set_verbosity_error()
    torch.set_num_threads(1)
    results = []
    for case in CASES:
        with tempfile.TemporaryDirectory() as place:
            results.append(case | {"latents": encoded(draw(open_variant(case["variant"], pathlib.Path(place)), case))})
            print(case, flush=True)
    versions = {module.__name__: module.__version__ for module in (torch, diffusers, transformers, numpy)}
    (OUT / "reuse.json").write_text(json.dumps({"madeWith": versions, "cases": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
