"""Exports a checkpoint as a Stable-Diffusion-style ONNX folder, as `optimum` lays it out, and checks it.

Weights are stored as fp16 with a Cast to fp32 in front, which onnxruntime folds when it loads the model: half the
size, the same arithmetic. Files are written beside their place and moved, so that a reader never sees half a file.
"""

import argparse
import hashlib
import json
import shutil
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn import functional as F

from models import SCALING_FACTOR, TEXT_WIDTH, Decoder, Encoder
from pipeline import HALF_LEAST, Pipeline, round_to_half
from tokenizer import END, START
from train_vae import draw_pictures, to_tensor

MODELS = ("text_encoder", "unet", "vae_decoder", "vae_encoder")
TOLERANCE = 0.002
DIFFUSERS_VERSION = "0.35.1"
EXAMPLES = [
    "a red house under a night sky with a moon",
    "a palm tree on a sandy beach under an orange sunset sky with the sun",
    "a blue house on the left and a pine tree on white snow with mountains under a pink dawn sky with the moon",
    "a yellow house and a lake on green grass with rolling hills under a clear blue sky with white clouds",
    "a white cottage on the right and a round tree on green grass with mountains under a clear blue sky with the sun",
    "a purple house and a palm tree on yellow sand with a forest under a dark night sky with the moon and stars",
    "a lake on brown autumn grass with mountains under an orange sunset sky with the sun",
    "a pine tree on white snow with a forest under a starry night sky",
]


class ScaledDecoder(nn.Module):
    """Takes unscaled latents; the affine map cannot be folded into a zero-padded convolution."""

    def __init__(self, decoder, mean, std):
        super().__init__()
        self.decoder = decoder
        self.register_buffer("factor", std.view(1, -1, 1, 1) * SCALING_FACTOR)
        self.register_buffer("shift", mean.view(1, -1, 1, 1))

    def forward(self, latent_sample):
        return self.decoder(latent_sample * self.factor + self.shift)


class PaddedConv(nn.Module):
    """A convolution of six input channels as one of eight, the spare two being zero.

    The WebGPU provider of onnxruntime 1.30 gives wrong results for 6 and for 9 input channels and right ones for 8.
    """

    def __init__(self, conv, channels=8):
        super().__init__()
        self.spare = channels - conv.in_channels
        self.conv = nn.Conv2d(channels, conv.out_channels, conv.kernel_size, padding=conv.padding)
        with torch.no_grad():
            self.conv.weight.zero_()
            self.conv.weight[:, : conv.in_channels] = conv.weight
            self.conv.bias.copy_(conv.bias)

    def forward(self, x):
        return self.conv(F.pad(x, (0, 0, 0, 0, 0, self.spare)))


def scaled_encoder(state, mean, std):
    """Encoder whose means have a standard deviation of 1 / SCALING_FACTOR: folded into the last convolution."""
    encoder = Encoder().eval()
    encoder.load_state_dict(state)
    last = encoder.layers[-1]
    factor = 1 / (std * SCALING_FACTOR)
    with torch.no_grad():
        last.weight[:4] *= factor.view(-1, 1, 1, 1)
        last.bias[:4] = (last.bias[:4] - mean) * factor
        last.bias[4:] += 2 * factor.log()
    round_to_half(encoder)
    return encoder


def rounding_effect(work, checkpoint, shipped, size, guidance):
    """Mean and largest difference, in 1/255, that rounding the weights to fp16 makes to finished pictures."""
    seeds = list(range(len(EXAMPLES)))
    full = Pipeline(work, checkpoint, rounded=False).generate(EXAMPLES, seeds, guidance, size=size)
    half = shipped.generate(EXAMPLES, seeds, guidance, size=size)
    difference = (full - half).abs() * 127.5
    return difference.mean().item(), difference.amax((1, 2, 3)).mean().item()


def store_half(source, target, least=HALF_LEAST):
    """Rewrites large fp32 initialisers as fp16 plus a Cast."""
    model = onnx.load(source)
    graph = model.graph
    casts, halves = [], []
    for initializer in list(graph.initializer):
        values = numpy_helper.to_array(initializer)
        if values.dtype != np.float32 or values.size < least:
            continue
        stored = initializer.name + "_fp16"
        halves.append(numpy_helper.from_array(values.astype(np.float16), stored))
        casts.append(helper.make_node("Cast", [stored], [initializer.name], name=stored + "_cast", to=TensorProto.FLOAT))
        graph.initializer.remove(initializer)
    graph.initializer.extend(halves)
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend(casts + nodes)
    onnx.checker.check_model(model)
    onnx.save(model, target)


def export_model(module, arguments, inputs, outputs, axes, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    full = path.with_suffix(".fp32.onnx")
    torch.onnx.export(
        module.eval(), arguments, str(full), opset_version=17, dynamo=False,
        input_names=inputs, output_names=outputs, dynamic_axes=axes, do_constant_folding=True,
    )  # fmt: skip
    store_half(full, path)
    full.unlink()


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")


def export_models(out, pipeline, encoder, decoder):
    image = {0: "batch", 2: "height", 3: "width"}
    export_model(
        pipeline.text_encoder, (torch.zeros(2, 77, dtype=torch.int64),), ["input_ids"], ["last_hidden_state"],
        {"input_ids": {0: "batch"}, "last_hidden_state": {0: "batch"}}, out / "text_encoder/model.onnx",
    )  # fmt: skip
    export_model(
        pipeline.unet, (torch.randn(2, 4, 16, 16), torch.tensor(5.0), torch.randn(2, 77, TEXT_WIDTH)),
        ["sample", "timestep", "encoder_hidden_states"], ["out_sample"],
        {"sample": image, "encoder_hidden_states": {0: "batch", 1: "sequence"}, "out_sample": image}, out / "unet/model.onnx",
    )  # fmt: skip
    export_model(
        decoder, (torch.randn(1, 4, 16, 16),), ["latent_sample"], ["sample"],
        {"latent_sample": image, "sample": image}, out / "vae_decoder/model.onnx",
    )  # fmt: skip
    export_model(
        encoder, (torch.randn(1, 3, 128, 128),), ["sample"], ["latent_parameters"],
        {"sample": image, "latent_parameters": image}, out / "vae_encoder/model.onnx",
    )  # fmt: skip


def check_models(out, pipeline, encoder, decoder):
    """Largest difference between onnxruntime and torch over three sizes (one not square) and batches 1, 2, 4."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    sessions = {
        name: onnxruntime.InferenceSession(str(out / name / "model.onnx"), options, providers=["CPUExecutionProvider"])
        for name in MODELS
    }
    worst = dict.fromkeys(MODELS, 0.0)

    def compare(name, module, inputs):
        wanted = module(*inputs.values()).numpy()
        got = sessions[name].run(None, {key: value.numpy() for key, value in inputs.items()})[0]
        assert got.shape == wanted.shape, (name, got.shape, wanted.shape)
        worst[name] = max(worst[name], float(np.abs(got - wanted).max()))

    pictures = to_tensor(draw_pictures(4, 192, first_seed=8_000_000, workers=1))
    with torch.no_grad():
        for height, width in ((16, 16), (24, 24), (32, 16)):
            for batch in (1, 2, 4):
                ids = torch.tensor([pipeline.tokenizer(prompt) for prompt in EXAMPLES[:batch]])
                compare("text_encoder", pipeline.text_encoder, {"input_ids": ids})
                text = pipeline.text_encoder(ids)
                sample = torch.randn(batch, 4, height, width)
                for timestep in (999.0, 499.0, 49.0):
                    inputs = {"sample": sample, "timestep": torch.tensor(timestep), "encoder_hidden_states": text}
                    compare("unet", pipeline.unet, inputs)
                compare("vae_decoder", decoder, {"latent_sample": sample / SCALING_FACTOR})
                picture = F.interpolate(pictures[:batch], size=(height * 8, width * 8), mode="bilinear")
                compare("vae_encoder", encoder, {"sample": picture})
    return worst


def export_tokenizer(out, work, tokenizer):
    """Slow and fast tokenizer files, compared on captions and on text in many scripts."""
    folder = out / "tokenizer"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("vocab.json", "merges.txt"):
        shutil.copyfile(work / "tokenizer" / name, folder / name)

    def special(text):
        return {"content": text, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}

    names = {"bos_token": START, "eos_token": END, "unk_token": END, "pad_token": END}
    tokens = {name: special(text) for name, text in names.items()} | {"pad_token": END}
    write_json(folder / "special_tokens_map.json", tokens)
    config = {"add_prefix_space": False, "clean_up_tokenization_spaces": True, "do_lower_case": True, "errors": "replace"}
    config |= names | {"model_max_length": 77, "tokenizer_class": "CLIPTokenizer"}
    write_json(folder / "tokenizer_config.json", config)

    from transformers import CLIPTokenizer

    fast = CLIPTokenizer.from_pretrained(str(folder))
    fast.backend_tokenizer.save(str(folder / "tokenizer.json"))
    texts = EXAMPLES + ["", "A Château, in 1987's déjà-vu 雪!", "two  red\thouses\n", "naïve дом 🏠🌙 I'LL we've", "ÄÖÜ ß ﬁ １２"]
    for text in texts:
        ids = fast(text, padding="max_length", max_length=77, truncation=True).input_ids
        assert ids == tokenizer(text), text
    return len(texts)


def write_configs(out, pipeline, size):
    vae = {
        "_class_name": "AutoencoderKL",
        "_diffusers_version": DIFFUSERS_VERSION,
        "act_fn": "relu",
        "block_out_channels": [24, 24, 48, 96],
        "down_block_types": ["DownEncoderBlock2D"] * 4,
        "up_block_types": ["UpDecoderBlock2D"] * 4,
        "in_channels": 3,
        "out_channels": 3,
        "latent_channels": 4,
        "layers_per_block": 1,
        "norm_num_groups": 8,
        "sample_size": size,
        "scaling_factor": SCALING_FACTOR,
    }
    write_json(out / "vae_encoder/config.json", vae)
    write_json(out / "vae_decoder/config.json", vae)
    unet = {
        "_class_name": "UNet2DConditionModel",
        "_diffusers_version": DIFFUSERS_VERSION,
        "sample_size": size // 8,
        "in_channels": 4,
        "out_channels": 4,
        "block_out_channels": [64, 128, 160],
        "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
        "layers_per_block": 1,
        "attention_head_dim": 32,
        "cross_attention_dim": TEXT_WIDTH,
    }
    write_json(out / "unet/config.json", unet)
    vocabulary = pipeline.tokenizer.vocabulary
    text = {
        "architectures": ["CLIPTextModel"],
        "model_type": "clip_text_model",
        "hidden_size": TEXT_WIDTH,
        "intermediate_size": 4 * TEXT_WIDTH,
        "projection_dim": TEXT_WIDTH,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "max_position_embeddings": 77,
        "vocab_size": len(vocabulary),
        "bos_token_id": vocabulary[START],
        "eos_token_id": vocabulary[END],
        "pad_token_id": vocabulary[END],
        "hidden_act": "gelu_pytorch_tanh",
        "layer_norm_eps": 1e-5,
        "torch_dtype": "float32",
    }
    write_json(out / "text_encoder/config.json", text)
    scheduler = {
        "_class_name": "DDIMScheduler",
        "_diffusers_version": DIFFUSERS_VERSION,
        "num_train_timesteps": 1000,
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "trained_betas": None,
        "prediction_type": "v_prediction",
        "rescale_betas_zero_snr": True,
        "timestep_spacing": "trailing",
        "steps_offset": 1,
        "set_alpha_to_one": False,
        "clip_sample": False,
        "thresholding": False,
    }
    write_json(out / "scheduler/scheduler_config.json", scheduler)
    index = {
        "_class_name": "StableDiffusionPipeline",
        "_diffusers_version": DIFFUSERS_VERSION,
        "feature_extractor": [None, None],
        "image_encoder": [None, None],
        "requires_safety_checker": False,
        "safety_checker": [None, None],
        "scheduler": ["diffusers", "DDIMScheduler"],
        "text_encoder": ["optimum", "ORTModelTextEncoder"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["optimum", "ORTModelUnet"],
        "vae_decoder": ["optimum", "ORTModelVaeDecoder"],
        "vae_encoder": ["optimum", "ORTModelVaeEncoder"],
    }
    write_json(out / "model_index.json", index)


def write_preview(out, encoder, size):
    """Linear map from latents in model scale to RGB in [-1, 1], by least squares on drawn pictures."""
    picture = to_tensor(draw_pictures(300, size, first_seed=7_000_000, workers=1))
    with torch.no_grad():
        latents = encoder(picture)[:, :4] * SCALING_FACTOR
    colours = F.avg_pool2d(picture, 8).permute(0, 2, 3, 1).reshape(-1, 3).double().numpy()
    values = latents.permute(0, 2, 3, 1).reshape(-1, 4).double().numpy()
    design = np.concatenate([values, np.ones((len(values), 1))], axis=1)
    solution = np.linalg.lstsq(design, colours, rcond=None)[0]
    left = np.square(design @ solution - colours).sum() / np.square(colours - colours.mean(0)).sum()
    rounded = np.round(solution, 5)
    write_json(out / "preview.json", {"factors": rounded[:4].tolist(), "bias": rounded[4].tolist(), "r2": round(1 - left, 4)})
    return 1 - left


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def move_files(source, target):
    """Moves a folder's files into place one by one."""
    for path in sorted(source.rglob("*")):
        if path.is_file():
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            temporary = place.with_name(place.name + ".tmp")
            shutil.copyfile(path, temporary)
            temporary.replace(place)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--checkpoint", default="unet.pt")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--guidance", type=float, default=3.5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    pipeline = Pipeline(options.work, options.checkpoint)
    if pipeline.unet.conv_in.in_channels == 6:
        pipeline.unet.conv_in = PaddedConv(pipeline.unet.conv_in)
    state = torch.load(options.work / "vae.pt")
    statistics = torch.load(options.work / "statistics.pt")
    encoder = scaled_encoder(state["encoder"], statistics["mean"], statistics["std"])
    decoder = ScaledDecoder(pipeline.decoder, statistics["mean"], statistics["std"]).eval()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        export_models(out, pipeline, encoder, decoder)
        worst = check_models(out, pipeline, encoder, decoder)
        mean, largest = rounding_effect(options.work, options.checkpoint, pipeline, options.size, options.guidance)
        print(f"rounding the weights to fp16 changes pictures by {mean:.2f}/255 in the mean ({largest:.0f} at the most)")
        assert mean < 1
        print("largest difference to torch:", {name: f"{value:.1e}" for name, value in worst.items()})
        assert max(worst[name] for name in ("text_encoder", "unet", "vae_decoder")) < TOLERANCE
        assert worst["vae_encoder"] * SCALING_FACTOR < TOLERANCE  # its output is unscaled
        print("tokenizer equal on", export_tokenizer(out, options.work, pipeline.tokenizer), "texts")
        write_configs(out, pipeline, options.size)
        print("preview R2", round(write_preview(out, encoder, options.size), 4))
        files = [f"{name}/model.onnx" for name in MODELS]
        starter = {
            "name": "Stopbath Starter",
            "description": "A tiny text-to-image model of flat landscapes with a house, a tree, a lake, a sun or a moon, "
            "trained from scratch on pictures drawn by a program.",
            "width": options.size,
            "height": options.size,
            "sizeMultiple": 32,
            "steps": 20,
            "guidance": options.guidance,
            "examplePrompts": EXAMPLES,
            "trainedSamples": pipeline.seen,
            "licence": "MIT",
            "sha256": {file: sha256(out / file) for file in files},
        }
        write_json(out / "starter.json", starter)
        sizes = {file: round((out / file).stat().st_size / 1e6, 2) for file in files}
        print(sizes, round(sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6, 2), "MB in all")
        move_files(out, options.out)


if __name__ == "__main__":
    main()
