"""Tiny models of diffusers' and transformers' own classes with random weights, the same on every run.

Six UNets (SD, SD inpaint, SD with a guidance embedding, SDXL base, SDXL inpaint, SDXL refiner), two CLIP text encoders and
one VAE. They draw nothing sensible; what counts is that every input changes the output visibly and that the output has
about the size of noise, so that a mistake anywhere in a pipeline shows in its latents.
"""

import functools
import json
import math
import pathlib
import tempfile

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

ROOT = pathlib.Path(__file__).resolve().parents[3]
FIXTURES = ROOT / "e2e/fixtures/tiny"
TOKENIZER = ROOT / "assets/starter/tokenizer"
VOCABULARY = json.loads((TOKENIZER / "vocab.json").read_text())
BEGIN, END = VOCABULARY["<|startoftext|>"], VOCABULARY["<|endoftext|>"]
LATENT_CHANNELS = 4
TEXT_WIDTH, TEXT_WIDTH_2, POOLED_WIDTH = 16, 24, 20
TIME_ID_WIDTH = 8

SD_SCHEDULER = {
    "_class_name": "PNDMScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
    "clip_sample": False,
}
# Says little: what diffusers' pipelines put right in a scheduler's file themselves shows.
BARE_SCHEDULER = {
    "_class_name": "DDIMScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
}
SDXL_SCHEDULER = {
    "_class_name": "EulerDiscreteScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "interpolation_type": "linear",
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "sample_max_value": 1.0,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "timestep_spacing": "leading",
    "trained_betas": None,
    "use_karras_sigmas": False,
}
LCM_SCHEDULER = {
    "_class_name": "LCMScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "original_inference_steps": 50,
    "prediction_type": "epsilon",
    "set_alpha_to_one": True,
    "steps_offset": 0,
    "timestep_scaling": 10.0,
    "timestep_spacing": "leading",
    "clip_sample": False,
}

# name -> (parts of the folder, scheduler file, facts of model_index.json)
SD_PARTS = {"tokenizer": "tokenizer", "text_encoder": "text_encoder", "vae": "vae"}
SDXL_PARTS = {
    "tokenizer": "tokenizer",
    "tokenizer_2": "tokenizer_2",
    "text_encoder": "text_encoder_xl",
    "text_encoder_2": "text_encoder_2",
    "vae": "vae_xl",
}
REFINER_PARTS = {key: SDXL_PARTS[key] for key in ("tokenizer_2", "text_encoder_2", "vae")}
VARIANTS = {
    "sd": (SD_PARTS | {"unet": "unet_sd"}, SD_SCHEDULER, {}),
    "sd-v": (SD_PARTS | {"unet": "unet_sd"}, SD_SCHEDULER | {"prediction_type": "v_prediction"}, {}),
    "sd-bare": (SD_PARTS | {"unet": "unet_sd"}, BARE_SCHEDULER, {}),
    "sd-inpaint": (SD_PARTS | {"unet": "unet_sd_inpaint"}, SD_SCHEDULER, {}),
    "sd-lcm": (SD_PARTS | {"unet": "unet_sd_lcm"}, LCM_SCHEDULER, {}),
    "sdxl": (SDXL_PARTS | {"unet": "unet_xl"}, SDXL_SCHEDULER, {"force_zeros_for_empty_prompt": True}),
    "sdxl-norm": (SDXL_PARTS | {"unet": "unet_xl", "vae": "vae_norm"}, SDXL_SCHEDULER, {"force_zeros_for_empty_prompt": True}),
    "sdxl-inpaint": (SDXL_PARTS | {"unet": "unet_xl_inpaint"}, SDXL_SCHEDULER, {"force_zeros_for_empty_prompt": True}),
    "sdxl-refiner": (
        REFINER_PARTS | {"unet": "unet_xl_refiner"},
        SDXL_SCHEDULER,
        {"force_zeros_for_empty_prompt": False, "requires_aesthetics_score": True},
    ),
}
TASK_SUFFIX = {"sd-inpaint": "Inpaint", "sdxl-inpaint": "Inpaint", "sdxl-refiner": "Img2Img"}


def class_name(variant):
    base = "StableDiffusionXL" if variant.startswith("sdxl") else "StableDiffusion"
    return base + TASK_SUFFIX.get(variant, "") + "Pipeline"


def seeded(module, seed):
    """Fills every parameter from one seed; norms stay near the identity."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(module.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.ndim == 1:
                base = 1.0 if "norm" in name and name.endswith("weight") else 0.0
                parameter.copy_(base + 0.1 * noise)
            elif "embedding" in name:
                parameter.copy_(noise * 0.5)
            else:
                parameter.copy_(noise / math.sqrt(parameter[0].numel()))
    return module.eval().requires_grad_(False)


def scale(module, **factors):
    """Multiplies the weights whose name contains the key (dots written as double underscores)."""
    for name, parameter in module.named_parameters():
        for key, factor in factors.items():
            if key.replace("__", ".") in name and name.endswith("weight"):
                parameter.data.mul_(factor)


def two_digits(value):
    return float(f"{value:.2g}")


def half(module):
    """Rounds the weights to float16 values, as which they are stored; they stay float32 here."""
    for parameter in module.parameters():
        parameter.data.copy_(parameter.data.half().float())
    return module


def unet(seed, widths=(8, 16), size=8, **extra):
    """@param widths of the two levels; attention is on the outer level for SD and on the inner one for SDXL."""
    xl = "addition_embed_type" in extra
    settings = {
        "sample_size": size,
        "in_channels": LATENT_CHANNELS,
        "out_channels": LATENT_CHANNELS,
        "block_out_channels": widths,
        "layers_per_block": 1,
        "norm_num_groups": 4,
        "attention_head_dim": 2 if xl else 4,
        "cross_attention_dim": TEXT_WIDTH,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D") if xl else ("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D") if xl else ("UpBlock2D", "CrossAttnUpBlock2D"),
        "use_linear_projection": xl,
    }
    model = seeded(UNet2DConditionModel(**(settings | extra)), seed)
    # Text, time and the added conditions have to be heard over the sample.
    scale(model, attn2__to_out=2.5, attn2__to_q=1.5, attn2__to_k=1.5, time_emb_proj=1.5, add_embedding__linear_2=2.0)
    if model.config.time_cond_proj_dim is not None:
        scale(model, cond_proj=1.5)
    output = unet_outputs(model)
    model.conv_out.weight.data.mul_(two_digits(1 / output.std().item()))
    return half(model)


def unet_inputs(model, batch=2, seed=1, side=8):
    """Inputs as a pipeline gives them: sample, timestep, text, and what else this UNet takes."""
    generator = torch.Generator().manual_seed(seed)
    config = model.config
    inputs = {
        "sample": torch.randn(batch, config.in_channels, side, side, generator=generator),
        "timestep": torch.tensor(501.0),
        "encoder_hidden_states": torch.randn(batch, 77, config.cross_attention_dim, generator=generator),
    }
    if config.addition_embed_type == "text_time":
        count = (model.add_embedding.linear_1.in_features - POOLED_WIDTH) // config.addition_time_embed_dim
        inputs["text_embeds"] = torch.randn(batch, POOLED_WIDTH, generator=generator)
        inputs["time_ids"] = torch.tensor(
            [[64.0, 64.0, 0.0, 0.0, 64.0, 64.0] if count == 6 else [64.0, 64.0, 0.0, 0.0, 6.0]] * batch
        )
    if config.time_cond_proj_dim is not None:
        inputs["timestep_cond"] = torch.randn(batch, config.time_cond_proj_dim, generator=generator)
    return inputs


def run_unet(model, inputs):
    added = {name: inputs[name] for name in ("text_embeds", "time_ids") if name in inputs}
    return model(
        inputs["sample"],
        inputs["timestep"],
        encoder_hidden_states=inputs["encoder_hidden_states"],
        timestep_cond=inputs.get("timestep_cond"),
        added_cond_kwargs=added or None,
        return_dict=False,
    )[0]


def unet_outputs(model):
    with torch.no_grad():
        return run_unet(model, unet_inputs(model))


def xl(count):
    return {
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": TIME_ID_WIDTH,
        "projection_class_embeddings_input_dim": POOLED_WIDTH + count * TIME_ID_WIDTH,
        "transformer_layers_per_block": 1,
    }


def text_config(width, layers, act, **extra):
    return CLIPTextConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=2,
        max_position_embeddings=77,
        hidden_act=act,
        bos_token_id=BEGIN,
        eos_token_id=END,
        pad_token_id=END,
        attn_implementation="eager",
        **extra,
    )


def vae(widths=(4, 4, 8, 8), **extra):
    model = AutoencoderKL(
        block_out_channels=widths,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        norm_num_groups=4,
        latent_channels=LATENT_CHANNELS,
        sample_size=64,
        **extra,
    )
    seeded(model, 40)
    with torch.no_grad():
        generator = torch.Generator().manual_seed(2)
        pictures = torch.rand(2, 3, 64, 64, generator=generator) * 2 - 1
        moments = model.encode(pictures).latent_dist.parameters
        # Means of the size Stable Diffusion's have, variances that are small and differ.
        quant = model.quant_conv
        quant.weight[:LATENT_CHANNELS].mul_(two_digits(4 / moments[:, :LATENT_CHANNELS].std().item()))
        quant.weight[LATENT_CHANNELS:].mul_(two_digits(1 / moments[:, LATENT_CHANNELS:].std().item()))
        quant.bias[LATENT_CHANNELS:].sub_(4)
        drawn = model.decode(torch.randn(2, LATENT_CHANNELS, 8, 8, generator=generator) * 5).sample
        model.decoder.conv_out.weight.mul_(two_digits(0.4 / drawn.std().item()))
    return half(model)


@functools.cache
def part(name):
    """The module of that name; the same object every time."""
    clip = functools.partial(text_config, TEXT_WIDTH, 3, "quick_gelu")
    makers = {
        "unet_sd": lambda: unet(11),
        "unet_sd_inpaint": lambda: unet(12, in_channels=9),
        "unet_sd_lcm": lambda: unet(13, time_cond_proj_dim=32),
        "unet_xl": lambda: unet(14, cross_attention_dim=TEXT_WIDTH + TEXT_WIDTH_2, **xl(6)),
        "unet_xl_inpaint": lambda: unet(15, in_channels=9, cross_attention_dim=TEXT_WIDTH + TEXT_WIDTH_2, **xl(6)),
        "unet_xl_refiner": lambda: unet(16, cross_attention_dim=TEXT_WIDTH_2, **xl(5)),
        "text_encoder": lambda: half(seeded(CLIPTextModel(clip()), 30)),
        "text_encoder_xl": lambda: part("text_encoder"),
        "text_encoder_2": lambda: half(
            seeded(CLIPTextModelWithProjection(text_config(TEXT_WIDTH_2, 3, "gelu", projection_dim=POOLED_WIDTH)), 31)
        ),
        "vae": vae,
        "vae_xl": lambda: vae(scaling_factor=0.13025, force_upcast=True),
        # Playground 2.5's way: latents are normalised by channel.
        "vae_norm": lambda: vae(scaling_factor=0.5, latents_mean=[-1.6, 1.1, 0.3, -0.7], latents_std=[3.5, 4.2, 5.1, 3.9]),
        "tokenizer": lambda: tokenizer("<|endoftext|>"),
        "tokenizer_2": lambda: tokenizer("!"),
    }
    return makers[name]()


def tokenizer_files(pad):
    """Contents of a CLIP tokenizer folder as text by file name."""
    token = {"lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
    special = {
        "bos_token": {"content": "<|startoftext|>", **token},
        "eos_token": {"content": "<|endoftext|>", **token},
        "pad_token": pad,
        "unk_token": {"content": "<|endoftext|>", **token},
    }
    config = {
        "add_prefix_space": False,
        "bos_token": "<|startoftext|>",
        "do_lower_case": True,
        "eos_token": "<|endoftext|>",
        "errors": "replace",
        "model_max_length": 77,
        "pad_token": pad,
        "tokenizer_class": "CLIPTokenizer",
        "unk_token": "<|endoftext|>",
    }
    return {"special_tokens_map.json": json.dumps(special, indent=2), "tokenizer_config.json": json.dumps(config, indent=2)}


def tokenizer(pad):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for file in ("vocab.json", "merges.txt"):
            (folder / file).write_text((TOKENIZER / file).read_text())
        for file, text in tokenizer_files(pad).items():
            (folder / file).write_text(text)
        return CLIPTokenizer.from_pretrained(str(folder))
