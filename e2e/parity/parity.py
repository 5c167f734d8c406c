"""Compares Stopbath with Python diffusers on the same ONNX files.

Run from the repository: python e2e/parity/parity.py [--model DIR]   (packages of requirements.txt)
Prompt, seed and settings are the same on both sides; diffusers' own StableDiffusionPipeline runs with its UNet, text encoder
and VAE replaced by thin wrappers around onnxruntime. Writes e2e/parity/result.json; exit code 1 when a bar is missed.
Bars: latents of the last step within 1e-4 relative (largest difference over largest value), 99.9 % of picture values within
2 of 255.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
from types import SimpleNamespace

import diffusers
import numpy as np
import onnxruntime
import torch
import transformers
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DDPMScheduler,
    DEISMultistepScheduler,
    DPMSolverMultistepScheduler,
    DPMSolverSinglestepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    HeunDiscreteScheduler,
    KDPM2AncestralDiscreteScheduler,
    KDPM2DiscreteScheduler,
    LCMScheduler,
    LMSDiscreteScheduler,
    PNDMScheduler,
    StableDiffusionPipeline,
    TCDScheduler,
    UNet2DConditionModel,
    UniPCMultistepScheduler,
)
from PIL import Image
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROMPT = "a red house under a night sky with the moon"
NEGATIVE = "a yellow house"
SAMPLERS = {
    "euler": (EulerDiscreteScheduler, {}),
    "ddim": (DDIMScheduler, {}),
    "euler_a": (EulerAncestralDiscreteScheduler, {}),
    "dpmpp_2m": (DPMSolverMultistepScheduler, {"use_karras_sigmas": False}),
    "dpmpp_2m_karras": (DPMSolverMultistepScheduler, {"use_karras_sigmas": True}),
    "dpmpp_2m_sde": (DPMSolverMultistepScheduler, {"algorithm_type": "sde-dpmsolver++"}),
    "dpmpp_2s": (DPMSolverSinglestepScheduler, {}),
    "dpmpp_sde": (DPMSolverSinglestepScheduler, {"algorithm_type": "sde-dpmsolver++"}),
    "heun": (HeunDiscreteScheduler, {}),
    "lms": (LMSDiscreteScheduler, {}),
    "dpm2": (KDPM2DiscreteScheduler, {}),
    "dpm2_a": (KDPM2AncestralDiscreteScheduler, {}),
    "ddpm": (DDPMScheduler, {}),
    "unipc": (UniPCMultistepScheduler, {}),
    "pndm": (PNDMScheduler, {}),
    "deis": (DEISMultistepScheduler, {}),
    "lcm": (LCMScheduler, {}),
    "tcd": (TCDScheduler, {}),
}


def session(folder):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    return onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])


class OrtUNet(UNet2DConditionModel):
    """A tiny torch UNet that is never run: only its class, config and dtype count."""

    def forward(self, sample, timestep, encoder_hidden_states=None, return_dict=True, **_):
        spec = {i.name: i for i in self.ort.get_inputs()}["timestep"]
        dtype = {"tensor(int64)": np.int64, "tensor(float)": np.float32}[spec.type]
        time = np.array(float(timestep), dtype=dtype)
        if len(spec.shape) == 1:
            time = np.full([sample.shape[0] if spec.shape[0] != 1 else 1], time)
        feeds = {"sample": sample.numpy(), "timestep": time, "encoder_hidden_states": encoder_hidden_states.numpy()}
        out = torch.from_numpy(self.ort.run(None, feeds)[0])
        return (out,) if not return_dict else SimpleNamespace(sample=out)


class OrtTextEncoder(CLIPTextModel):
    def forward(self, input_ids=None, *_, **__):
        spec = self.ort.get_inputs()[0]
        dtype = np.int64 if spec.type == "tensor(int64)" else np.int32
        out = torch.from_numpy(self.ort.run(None, {spec.name: input_ids.numpy().astype(dtype)})[0])
        return (out,)


class OrtVae(AutoencoderKL):
    def decode(self, z, return_dict=True, generator=None):
        out = torch.from_numpy(self.ort.run(None, {self.ort.get_inputs()[0].name: z.numpy()})[0])
        return (out,) if not return_dict else SimpleNamespace(sample=out)


def read(path):
    return json.loads(path.read_text())


def build_pipeline(model):
    unet_config = read(model / "unet/config.json")
    unet = OrtUNet(
        sample_size=unet_config["sample_size"],
        block_out_channels=(4, 4),
        norm_num_groups=2,
        layers_per_block=1,
        cross_attention_dim=unet_config["cross_attention_dim"],
        attention_head_dim=2,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )
    unet.ort = session(model / "unet")
    text_config = read(model / "text_encoder/config.json")
    text = OrtTextEncoder(
        CLIPTextConfig(
            vocab_size=text_config["vocab_size"],
            hidden_size=8,
            intermediate_size=8,
            num_hidden_layers=1,
            num_attention_heads=1,
            bos_token_id=text_config.get("bos_token_id", 0),
            eos_token_id=text_config.get("eos_token_id", 2),
        )
    )
    text.ort = session(model / "text_encoder")
    vae_config = read(model / "vae_decoder/config.json")
    levels = len(vae_config["block_out_channels"])
    vae = OrtVae(
        block_out_channels=(4,) * levels,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        norm_num_groups=2,
        latent_channels=vae_config["latent_channels"],
        scaling_factor=vae_config["scaling_factor"],
    )
    vae.ort = session(model / "vae_decoder")
    scheduler_config = read(model / "scheduler/scheduler_config.json")
    pipeline = StableDiffusionPipeline(
        vae=vae,
        text_encoder=text,
        tokenizer=CLIPTokenizer.from_pretrained(str(model / "tokenizer")),
        unet=unet,
        scheduler=DDIMScheduler.from_config(scheduler_config),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    # A swapped-in scheduler's settings must not leak into the next one.
    pipeline.own_scheduler_config = dict(pipeline.scheduler.config)
    return pipeline


def reference(pipeline, sampler, case, size):
    cls, extra = SAMPLERS[sampler]
    pipeline.scheduler = cls.from_config({**pipeline.own_scheduler_config, **extra})
    latents = []
    batches = []
    cutoff = case.get("cutoff")

    def on_step_end(pipe, index, _, kwargs):
        latents.append(kwargs["latents"].numpy().copy())
        batches.append(2 if pipe.do_classifier_free_guidance else 1)
        if cutoff is not None and index == int(pipe.num_timesteps * cutoff):
            pipe._guidance_scale = 0.0
            return {"prompt_embeds": kwargs["prompt_embeds"].chunk(2)[-1]}
        return {}

    image = pipeline(
        PROMPT,
        negative_prompt=case.get("negative"),
        num_inference_steps=case["steps"],
        guidance_scale=case["guidance"],
        height=size["height"],
        width=size["width"],
        generator=torch.Generator().manual_seed(case["seed"]),
        callback_on_step_end=on_step_end,
        callback_on_step_end_tensor_inputs=["latents", "prompt_embeds"],
    ).images[0]
    return latents, np.asarray(image), batches


def ours(model, sampler, case, size, folder):
    out = folder / "out.png"
    command = ["npm", "run", "-s", "generate", "--", "--prompt", PROMPT, "--scheduler", sampler, "--provider", "cpu"]
    command += ["--steps", str(case["steps"]), "--guidance", str(case["guidance"]), "--seed", str(case["seed"])]
    command += ["--width", str(size["width"]), "--height", str(size["height"]), "--model", str(model)]
    command += ["--dump-latents", str(folder / "latents"), "--trace", str(folder / "trace.json"), "--out", str(out)]
    if "negative" in case:
        command += ["--negative", case["negative"]]
    if "cutoff" in case:
        command += ["--cfg-cutoff", str(case["cutoff"])]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    files = sorted((folder / "latents").glob("step_*.npy"))
    trace = read(folder / "trace.json")
    batches = [step["unetEvaluations"] for step in trace["steps"]]
    return [np.load(file) for file in files], np.asarray(Image.open(out)), batches


def relative(a, b):
    return float(np.abs(a - b).max() / np.abs(b).max())


def compare(pipeline, model, sampler, case, size):
    with tempfile.TemporaryDirectory() as name:
        our_latents, our_image, our_batches = ours(model, sampler, case, size, pathlib.Path(name))
    latents, image, batches = reference(pipeline, sampler, case, size)
    difference = np.abs(our_image.astype(int) - image.astype(int))
    row = {
        "scheduler": sampler,
        **case,
        "latentsRelativeFirstStep": relative(our_latents[0], latents[0]),
        "latentsRelative": relative(our_latents[-1], latents[-1]),
        "pictureWithin2Of255": float((difference <= 2).mean()),
        "pictureMaxDifference": int(difference.max()),
        "sameGuidedSteps": our_batches == batches,
        "steps": case["steps"],
    }
    enough = len(our_latents) == len(latents) >= case["steps"]
    row["passed"] = bool(
        enough and row["latentsRelative"] <= 1e-4 and row["pictureWithin2Of255"] >= 0.999 and row["sameGuidedSteps"]
    )
    return row


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "assets/starter")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).with_name("result.json"))
    args = parser.parse_args()
    torch.set_num_threads(2)
    starter = read(args.model / "starter.json")
    size = {"width": starter["width"], "height": starter["height"]}
    pipeline = build_pipeline(args.model.resolve())
    base = {"steps": 20, "guidance": 5.0, "seed": 7}
    cases = [("euler", base), ("ddim", base)]
    cases += [(sampler, base) for sampler in SAMPLERS if sampler not in ("euler", "ddim")]
    cases += [("euler", {**base, "cutoff": 0.4}), ("ddim", {**base, "seed": 11, "negative": NEGATIVE})]
    rows = []
    for sampler, case in cases:
        rows.append(compare(pipeline, args.model.resolve(), sampler, case, size))
        print(json.dumps(rows[-1]), flush=True)
    result = {
        "model": {"name": starter["name"], "unetSha256": starter.get("sha256", {}).get("unet/model.onnx"), **size},
        "prompt": PROMPT,
        "madeWith": {
            "torch": torch.__version__,
            "diffusers": diffusers.__version__,
            "transformers": transformers.__version__,
            "onnxruntime": onnxruntime.__version__,
            "numpy": np.__version__,
        },
        "bars": {"latentsRelative": 1e-4, "pictureWithin2Of255": 0.999},
        "rows": rows,
        "passed": all(row["passed"] for row in rows),
    }
    args.out.write_text(json.dumps(result, indent=2) + "\n")
    sys.exit(0 if result["passed"] else 1)


if __name__ == "__main__":
    main()
