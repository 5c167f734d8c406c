"""Writes torch modules as ONNX files with the input and output names of optimum's exports, and checks them."""

import pathlib
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
from diffusers.models.attention_processor import AttnProcessor
from models import run_unet, unet_inputs
from onnx import TensorProto, helper, numpy_helper
from torch import nn

OPSET = 18
TOLERANCE = 1e-5  # largest difference over the largest value, or over 1


class TextGraph(nn.Module):
    def __init__(self, encoder, pooled, hidden):
        super().__init__()
        self.encoder, self.pooled, self.hidden = encoder, pooled, hidden

    def forward(self, input_ids):
        out = self.encoder(input_ids, output_hidden_states=True)
        first = (out.text_embeds, out.last_hidden_state) if self.pooled else (out.last_hidden_state, out.pooler_output)
        return first + (tuple(out.hidden_states) if self.hidden else ())


class UnetGraph(nn.Module):
    def __init__(self, unet, names):
        super().__init__()
        self.unet, self.names = unet, names

    def forward(self, *values):
        return run_unet(self.unet, dict(zip(self.names, values, strict=True)))


class EncoderGraph(nn.Module):
    def __init__(self, vae):
        super().__init__()
        self.vae = vae

    def forward(self, sample):
        return self.vae.quant_conv(self.vae.encoder(sample))


class DecoderGraph(nn.Module):
    def __init__(self, vae):
        super().__init__()
        self.vae = vae

    def forward(self, latent_sample):
        return self.vae.decoder(self.vae.post_quant_conv(latent_sample))


def export_text(encoder, path, pooled, hidden):
    ids = torch.randint(0, encoder.config.vocab_size, (2, 77), generator=torch.Generator().manual_seed(3))
    names = ["text_embeds", "last_hidden_state"] if pooled else ["last_hidden_state", "pooler_output"]
    if hidden:
        names += [f"hidden_states.{index}" for index in range(encoder.config.num_hidden_layers + 1)]
    axes = {name: {0: "batch_size"} for name in ["input_ids", *names]}
    write(TextGraph(encoder, pooled, hidden), {"input_ids": ids}, names, axes, path)


def export_unet(unet, path, side=8, tolerance=TOLERANCE):
    processors = unet.attn_processors
    unet.set_attn_processor(AttnProcessor())
    inputs = unet_inputs(unet, side=side)
    axes = {name: {0: "batch_size"} for name in inputs if name != "timestep"}
    axes["sample"] = {0: "batch_size", 2: "height", 3: "width"}
    axes["out_sample"] = dict(axes["sample"])
    # The text's length stays free, as optimum leaves it.
    axes["encoder_hidden_states"] = {0: "batch_size", 1: "sequence_length"}
    write(UnetGraph(unet, list(inputs)), inputs, ["out_sample"], axes, path, tolerance)
    unet.set_attn_processor(processors)


def export_vae(vae, encoder_path, decoder_path, side=8, tolerance=TOLERANCE):
    generator = torch.Generator().manual_seed(4)
    factor = 2 ** (len(vae.config.block_out_channels) - 1)
    spatial = {0: "batch_size", 2: "height", 3: "width"}
    for module in (vae.encoder.mid_block, vae.decoder.mid_block):
        for attention in module.attentions:
            attention.set_processor(AttnProcessor())
    pictures = torch.rand(2, 3, side * factor, side * factor, generator=generator) * 2 - 1
    axes = {"sample": spatial, "latent_parameters": {0: "batch_size", 2: "latent_height", 3: "latent_width"}}
    write(EncoderGraph(vae), {"sample": pictures}, ["latent_parameters"], axes, encoder_path, tolerance)
    latents = torch.randn(2, vae.config.latent_channels, side, side, generator=generator)
    axes = {"latent_sample": spatial, "sample": {0: "batch_size", 2: "picture_height", 3: "picture_width"}}
    write(DecoderGraph(vae), {"latent_sample": latents}, ["sample"], axes, decoder_path, tolerance)


def write(module, inputs, outputs, axes, path, tolerance=TOLERANCE):
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            tuple(inputs.values()),
            str(path),
            input_names=list(inputs),
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(str(path))
    shrink(model.graph)
    model.producer_version = ""
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    check(path, module, inputs, outputs, tolerance)


def shrink(graph):
    """Short names, no notes, and weights as float16 with a Cast: onnxruntime folds it when it loads the model."""
    kept = {value.name for value in [*graph.input, *graph.output]} | {""}
    short = {}

    def rename(name):
        return name if name in kept else short.setdefault(name, f"v{len(short):x}")

    casts = []
    for weight in graph.initializer:
        weight.name = rename(weight.name)
        weight.doc_string = ""
        value = numpy_helper.to_array(weight)
        if (
            weight.data_type == TensorProto.FLOAT
            and value.size > 16
            and np.array_equal(value.astype(np.float16).astype(np.float32), value)
        ):
            name = weight.name
            weight.CopyFrom(numpy_helper.from_array(value.astype(np.float16), f"h{name}"))
            casts.append(helper.make_node("Cast", [f"h{name}"], [name], to=TensorProto.FLOAT))
    for node in graph.node:
        node.name = node.doc_string = ""
        node.input[:] = [rename(name) for name in node.input]
        node.output[:] = [rename(name) for name in node.output]
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]


def other_size(value):
    """One row; pictures and latents half as high and a quarter wider than those of the export."""
    if value.ndim != 4:
        return value if value.ndim == 0 else value[:1]
    _, _, height, width = value.shape
    return torch.cat([value, value], 3)[:1, :, : height // 2, : width + width // 4]


def check(path, module, inputs, outputs, tolerance):
    """Torch against onnxruntime, on the export's sizes and on others."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    if names != list(inputs) or [value.name for value in session.get_outputs()] != outputs:
        raise SystemExit(f"{path}: inputs {names}, outputs {[value.name for value in session.get_outputs()]}")
    others = {name: other_size(value) for name, value in inputs.items()}
    for feeds in (inputs, others):
        with torch.no_grad():
            expected = module(*feeds.values())
        got = session.run(None, {name: value.numpy() for name, value in feeds.items()})
        for name, value, want in zip(outputs, got, expected if isinstance(expected, tuple) else (expected,), strict=True):
            error = float(np.abs(value - want.numpy()).max() / max(1.0, want.abs().max().item()))
            if value.shape != tuple(want.shape) or not error < tolerance:
                raise SystemExit(f"{path} {name}: {error:.2e} from torch")
    print(f"{pathlib.Path(path).parent.name}/{path.name}: {path.stat().st_size} bytes, agrees with torch", flush=True)
