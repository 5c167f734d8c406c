"""Writes models of the full size of Stable Diffusion 1.5 and SDXL with random weights, in the layout of optimum's exports.

Run: python make.py sd15-fp32 FOLDER   (sd15-fp16, sdxl-fp32, sdxl-fp16; packages of e2e/parity/requirements.txt)
It needs little memory whatever the model's size: torch traces modules whose weights are one number repeated, and the weights
are drawn one by one into the data file. Weights depend on their names alone, so every layout of a model holds the same ones;
they are scaled so that what flows through the network stays near 1.
"""

import argparse
import gzip
import hashlib
import io
import json
import math
import pathlib
import warnings

import numpy as np
import onnx
import torch
from onnx import StringStringEntryProto, TensorProto
from shapes import SCHEDULER, parts

ROOT = pathlib.Path(__file__).resolve().parents[2]
MERGES = ROOT / "assets/tokenizers/clip/bpe_simple_vocab_16e6.txt.gz"
OPSET = 18
# Smaller tensors stay inside model.onnx, as in onnx.save_model.
INLINE_BYTES = 1024


def drawn(name, shape):
    """The weight of that name, float32; a norm's is near 1, a bias near 0, any other keeps the size of what goes through it."""
    generator = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little"))
    values = generator.standard_normal(shape, dtype=np.float32)
    if len(shape) == 1:
        return (1.0 if "norm" in name and name.endswith("weight") else 0.0) + np.float32(0.02) * values
    gain = {"embedding.weight": 0.5 * math.sqrt(values[0].size), "decoder.conv_out.weight": 0.5, "conv_out.weight": 1.5}
    factor = next((value for ending, value in gain.items() if name.endswith(ending)), 1.0)
    return values * np.float32(factor / math.sqrt(values[0].size))


def traced(graph, inputs, outputs, axes, dtype):
    """@returns the ONNX model without its weights: they are inputs of the graph"""
    inputs = {name: value.to(dtype) if value.is_floating_point() else value for name, value in inputs.items()}
    file = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            tuple(inputs.values()),
            file,
            input_names=list(inputs),
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=OPSET,
            export_params=False,
            dynamo=False,
        )
    return onnx.load_from_string(file.getvalue())


def origin(weight, shape, users, names):
    """@returns the weight's name in the module, and how it comes from there: as it is, transposed, or with sides added"""
    if weight in names:
        return weight, lambda value: value
    user = users[weight]
    scope = ".".join(user.name.split("/")[1:-1])
    kind = "bias" if user.op_type == "Add" else "weight"
    name = next((name for name in names if f".{name}".endswith(f".{scope}.{kind}")), None)
    if name is not None and user.op_type in ("MatMul", "Gemm"):
        return name, lambda value: np.ascontiguousarray(value.T)
    if name is not None and "norm" in scope and user.op_type in ("Mul", "Add"):
        # GroupNorm becomes InstanceNormalization with a factor and a summand for every channel.
        return name, lambda value: value.reshape(shape)
    position = next((name for name in names if name.endswith("position_embedding.weight")), None)
    if position is not None and user.op_type == "Add":
        return position, lambda value: value.reshape(shape)
    raise SystemExit(f"{weight} of {user.name} ({user.op_type}) comes from no weight")


def fill(model, graph, inputs, prefix, file):
    """Turns inputs that are weights into initializers, the large ones in `model.onnx_data`."""
    names = {name for name, _ in graph.named_parameters()}
    users = {name: node for node in model.graph.node for name in node.input}
    weights = [value for value in model.graph.input if value.name not in inputs]
    with (file.parent / "model.onnx_data").open("wb") as data:
        for value in weights:
            shape = tuple(side.dim_value for side in value.type.tensor_type.shape.dim)
            name, change = origin(value.name, shape, users, names)
            number = change(drawn(f"{prefix}.{name.split('.', 1)[1]}", tuple(graph.get_parameter(name).shape)))
            if number.shape != shape:
                raise SystemExit(f"{value.name}: {number.shape} for {shape}")
            half = value.type.tensor_type.elem_type == TensorProto.FLOAT16
            raw = number.astype(np.float16 if half else np.float32).tobytes()
            tensor = TensorProto(name=value.name, dims=shape, data_type=value.type.tensor_type.elem_type)
            if len(raw) < INLINE_BYTES:
                tensor.raw_data = raw
            else:
                tensor.data_location = TensorProto.EXTERNAL
                place = {"location": "model.onnx_data", "offset": str(data.tell()), "length": str(len(raw))}
                tensor.external_data.extend(StringStringEntryProto(key=key, value=text) for key, text in place.items())
                data.write(raw)
            model.graph.initializer.append(tensor)
            model.graph.input.remove(value)
    onnx.save(model, str(file))


def write_tokenizer(folder, pad):
    """CLIP's vocabulary: 256 bytes, the same at a word's end, what 48894 merges make, begin and end."""
    merges = gzip.decompress(MERGES.read_bytes()).decode().split("\n")[1 : 49152 - 256 - 2 + 1]
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("\xa1"), ord("\xac") + 1), *range(ord("\xae"), ord("\xff") + 1)]
    signs = [chr(byte) for byte in printable] + [chr(256 + index) for index in range(256 - len(printable))]
    tokens = signs + [f"{sign}</w>" for sign in signs] + [merge.replace(" ", "") for merge in merges] + ["<|startoftext|>", "<|endoftext|>"]
    write_json(folder / "vocab.json", {token: number for number, token in enumerate(tokens)})
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>", "pad_token": pad}
    write_json(folder / "tokenizer_config.json", {**special, "do_lower_case": True, "model_max_length": 77, "tokenizer_class": "CLIPTokenizer"})
    write_json(folder / "special_tokens_map.json", special)


def write_json(file, content):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=2) + "\n")


def make(kind, folder):
    model, precision = kind.split("-")
    index = {"_class_name": "StableDiffusionXLPipeline" if model == "sdxl" else "StableDiffusionPipeline"}
    if model == "sdxl":
        index["force_zeros_for_empty_prompt"] = True
    write_json(folder / "scheduler/scheduler_config.json", SCHEDULER)
    write_tokenizer(folder / "tokenizer", "<|endoftext|>")
    if model == "sdxl":
        write_tokenizer(folder / "tokenizer_2", "!")
    dtype = torch.float16 if precision == "fp16" else torch.float32
    for part, graph, module, inputs, outputs, axes in parts(model, dtype):
        if (folder / part / "model.onnx").exists():
            continue
        config = module.config.to_dict() if hasattr(module.config, "to_dict") else dict(module.config)
        write_json(folder / part / "config.json", json.loads(json.dumps(config, default=str)))
        prefix = f"{model}.{'vae' if part.startswith('vae') else part}"
        fill(traced(graph, inputs, outputs, axes, dtype), graph, inputs, prefix, folder / part / "model.onnx")
        print(f"{part}: {sum(file.stat().st_size for file in (folder / part).iterdir()):,} bytes", flush=True)
    # Last: a folder with it is whole.
    write_json(folder / "model_index.json", index)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["sd15-fp32", "sd15-fp16", "sdxl-fp32", "sdxl-fp16"])
    parser.add_argument("folder", type=pathlib.Path)
    given = parser.parse_args()
    make(given.kind, given.folder)
