"""Textual inversion embeddings on the small checkpoints, and what diffusers draws with them: python make_embedding_goldens.py

Writes embeddings.json: names, types and shapes of the files (the numbers come from ../checkpoints/formula.py) and latents after the last step.
"""

import json
import pathlib
import sys
import tempfile
import warnings

import diffusers
import safetensors.torch
import torch
import transformers

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
import make_goldens as loras  # noqa: E402
from make_goldens import base  # noqa: E402

# Layout: the tensors of its file.
FILES = {
    "sd1": {
        "a1111": [["emb_params", "F32", [2, 64]]],
        "diffusers": [["<zorb>", "F16", [64]]],
    },
    "sdxl": {"xl": [["clip_l", "F32", [3, 64]], ["clip_g", "F32", [3, 128]]]},
}
PROMPT = "a zorb house under a night sky, zorb"
CALL = {"prompt": PROMPT, "negative_prompt": "a yellow zorb"}


def draw(variant_name, place):
    variant = base.VARIANTS[variant_name]
    folder = place / variant_name
    folder.mkdir(parents=True)
    base.write_configs(variant, folder)
    shapes = {part: base.shapes_of(module, folder) for part, module in base.modules_of(folder, variant).items()}
    file = place / f"{variant_name}.safetensors"
    base.write_weights(file, [[key, base.type_of(key, variant["type"]), shape] for key, shape in sorted(base.single_shapes(variant, shapes).items())])
    result = {}
    for layout, entries in FILES[variant_name].items():
        pipeline = base.from_single_file(variant, file, folder)
        loras.write_lora(place / "embedding.safetensors", entries, {})
        tensors = {name: tensor.float() for name, tensor in safetensors.torch.load_file(place / "embedding.safetensors").items()}
        if "clip_g" in tensors:
            pipeline.load_textual_inversion(tensors["clip_l"], token="zorb", text_encoder=pipeline.text_encoder, tokenizer=pipeline.tokenizer)
            pipeline.load_textual_inversion(tensors["clip_g"], token="zorb", text_encoder=pipeline.text_encoder_2, tokenizer=pipeline.tokenizer_2)
        else:
            pipeline.load_textual_inversion(next(iter(tensors.values())), token="zorb")
        result[layout] = {"tensors": entries, "latents": loras.latents_of(pipeline, **CALL)}
    return result


def main():
    warnings.simplefilter("ignore")
    diffusers.utils.logging.set_verbosity_error()
    transformers.utils.logging.set_verbosity_error()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        made = {name: draw(name, pathlib.Path(temporary)) for name in FILES}
    versions = {module.__name__: module.__version__ for module in (torch, diffusers, transformers)}
    (HERE / "embeddings.json").write_text(json.dumps({"madeWith": versions, "call": CALL, "goldens": made}, indent=1) + "\n")


if __name__ == "__main__":
    main()
