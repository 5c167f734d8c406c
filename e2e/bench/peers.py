"""Draws the same pictures with optimum's ONNX pipeline and with diffusers in plain torch; peers.ts compares the times.

Reads one request a line from standard input and answers each with one line:
{"model": "starter" | "bench", "peer": "optimum" | "diffusers", "prompt", "steps", "guidance", "seed", "side"}
-> {"ms": wall time of the call, "rgb": base64 of the picture}
The first line it writes says what it runs on. Both peers use the scheduler of the model's own folder, the CPU and --threads.
"""

import argparse
import base64
import json
import pathlib
import sys
import time
import warnings
from types import SimpleNamespace

import diffusers
import numpy as np
import onnx
import onnxruntime
import optimum.version
import torch
import transformers
from onnx import numpy_helper
from optimum.onnxruntime import ORTStableDiffusionPipeline

ROOT = pathlib.Path(__file__).resolve().parents[2]
STARTER = ROOT / "assets/starter"
sys.path.insert(0, str(STARTER / "recipe"))


def load_optimum(folder, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return ORTStableDiffusionPipeline.from_pretrained(
        str(folder), provider="CPUExecutionProvider", session_options=options, safety_checker=None
    )


def weights_of(path):
    """Weights of an exported module by parameter name; where the export lost it, by the scope in the node's name."""
    graph = onnx.load(str(path)).graph
    values = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0] in values:
            values[node.output[0]] = values[node.input[0]].astype(np.float32)
    # A linear layer without bias or on more than two axes, and the affine part of a group norm, [C, 1, 1].
    lost = {"MatMul": ("weight", lambda value: value.T), "Mul": ("weight", np.ravel), "Add": ("bias", np.ravel)}
    for node in graph.node:
        constant = next((name for name in reversed(node.input) if name in values), None)
        if node.op_type in lost and constant is not None:
            end, form = lost[node.op_type]
            scope = node.name.strip("/").removesuffix(f"/{node.op_type}").replace("/", ".")
            values.setdefault(f"{scope}.{end}", form(values[constant]))
    return {name: torch.from_numpy(np.array(value)) for name, value in values.items()}


def filled(module, weights, renamed=()):
    """The module with those weights; every one has to be there."""
    for ours, theirs in renamed:
        weights[ours] = weights[theirs]
    state = {name: weights[name][tuple(slice(side) for side in value.shape)] for name, value in module.state_dict().items()}
    module.load_state_dict(state)
    return module.eval().requires_grad_(False)


class TorchUnet(torch.nn.Module):
    """What a pipeline asks of a UNet, around the starter's own network."""

    def __init__(self, network, config):
        super().__init__()
        self.network = network
        self.config = SimpleNamespace(**{"time_cond_proj_dim": None, **config})
        self.dtype = torch.float32

    def forward(self, sample, timestep, encoder_hidden_states=None, **_):
        return (self.network(sample, timestep, encoder_hidden_states),)


class TorchText(torch.nn.Module):
    def __init__(self, network, config):
        super().__init__()
        self.network, self.config, self.dtype = network, SimpleNamespace(**config), torch.float32

    def forward(self, input_ids, **_):
        return (self.network(input_ids),)


class TorchVae(torch.nn.Module):
    def __init__(self, network, weights, config):
        super().__init__()
        self.network, self.factor, self.shift = network, weights["factor"], weights["shift"]
        self.config, self.dtype = SimpleNamespace(**config), torch.float32

    def decode(self, latents, **_):
        return (self.network(latents * self.factor + self.shift),)


def load_starter_torch():
    """The starter's weights in the torch modules it was trained as."""
    from models import Decoder, TextEncoder, UNet

    def config(part):
        return json.loads((STARTER / part / "config.json").read_text())

    unet = filled(
        UNet(),
        weights_of(STARTER / "unet/model.onnx"),
        [(f"conv_in.{end}", f"conv_in.conv.{end}") for end in ("weight", "bias")],
    )
    text = filled(TextEncoder(config("text_encoder")["vocab_size"]), weights_of(STARTER / "text_encoder/model.onnx"))
    decoder_weights = weights_of(STARTER / "vae_decoder/model.onnx")
    plain = {name.removeprefix("decoder."): value for name, value in decoder_weights.items()}
    return bare_pipeline(
        unet=TorchUnet(unet, config("unet")),
        text_encoder=TorchText(text, config("text_encoder")),
        vae=TorchVae(filled(Decoder(), plain), decoder_weights, config("vae_decoder")),
        tokenizer=transformers.CLIPTokenizer.from_pretrained(str(STARTER / "tokenizer")),
        scheduler=diffusers.DDIMScheduler.from_pretrained(str(STARTER / "scheduler")),
    )


class OwnModulesPipeline(diffusers.StableDiffusionPipeline):
    """Takes modules that are of no diffusers class; the call is diffusers' own."""

    def register_modules(self, **modules):
        for name, module in modules.items():
            self.register_to_config(**{name: (None, None)})
            setattr(self, name, module)

    @property
    def components(self):
        return {}

    @property
    def _execution_device(self):
        return torch.device("cpu")

    @property
    def device(self):
        return torch.device("cpu")


def bare_pipeline(**modules):
    return OwnModulesPipeline(**modules, safety_checker=None, feature_extractor=None, requires_safety_checker=False)


def loaders(bench_model, threads):
    return {
        ("starter", "optimum"): lambda: load_optimum(STARTER, threads),
        ("starter", "diffusers"): load_starter_torch,
        ("bench", "optimum"): lambda: load_optimum(bench_model, threads),
        ("bench", "diffusers"): lambda: diffusers.StableDiffusionPipeline.from_pretrained(
            str(bench_model / "torch"), safety_checker=None
        ),
    }


def draw(pipeline, request):
    begun = time.perf_counter()
    picture = pipeline(
        request["prompt"],
        num_inference_steps=request["steps"],
        guidance_scale=request["guidance"],
        generator=torch.Generator().manual_seed(request["seed"]),
        height=request["side"],
        width=request["side"],
    ).images[0]
    ms = 1000 * (time.perf_counter() - begun)
    return {"ms": ms, "rgb": base64.b64encode(np.asarray(picture).tobytes()).decode()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench-model", type=pathlib.Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    args = parser.parse_args()
    answers = sys.stdout
    # Libraries may print; only answers belong on the line.
    sys.stdout = sys.stderr
    warnings.simplefilter("ignore")
    diffusers.utils.logging.set_verbosity_error()
    torch.set_num_threads(args.threads)
    versions = {module.__name__: module.__version__ for module in (torch, diffusers, transformers, onnxruntime)}
    versions["optimum"] = optimum.version.__version__
    hello = {"madeWith": versions, "threads": torch.get_num_threads(), "benchModel": str(args.bench_model)}
    print(json.dumps(hello), file=answers, flush=True)
    load, loaded = loaders(args.bench_model, args.threads), {}
    for line in sys.stdin:
        request = json.loads(line)
        key = (request["model"], request["peer"])
        if key not in loaded:
            loaded[key] = load[key]()
            loaded[key].set_progress_bar_config(disable=True)
        print(json.dumps(draw(loaded[key], request)), file=answers, flush=True)


if __name__ == "__main__":
    main()
