"""The parts of Stable Diffusion 1.5 and SDXL as diffusers and transformers describe them, empty: no weight takes memory."""

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

VOCABULARY = 49408
SCHEDULER = {
    "_class_name": "EulerDiscreteScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "steps_offset": 1,
    "timestep_spacing": "leading",
    "trained_betas": None,
}
SD15_UNET = {"sample_size": 64, "cross_attention_dim": 768}
SDXL_UNET = {
    "sample_size": 128,
    "cross_attention_dim": 2048,
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (5, 10, 20),
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}


class TextGraph(nn.Module):
    def __init__(self, encoder, pooled, hidden):
        super().__init__()
        self.encoder, self.pooled, self.hidden = encoder, pooled, hidden

    def forward(self, input_ids):
        out = self.encoder(input_ids, output_hidden_states=True)
        first = (out.text_embeds, out.last_hidden_state) if self.pooled else (out.last_hidden_state, out.pooler_output)
        return first + (tuple(out.hidden_states) if self.hidden else ())


class UnetGraph(nn.Module):
    def __init__(self, unet):
        super().__init__()
        self.unet = unet

    def forward(self, sample, timestep, encoder_hidden_states, *added):
        given = dict(zip(("text_embeds", "time_ids"), added, strict=True)) if added else None
        return self.unet(sample, timestep, encoder_hidden_states, added_cond_kwargs=given, return_dict=False)[0]


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


def empty(make, dtype):
    """A module of stand-in weights: every tensor is one number, repeated by its strides; not twice the same, which torch would merge."""
    with torch.device("meta"):
        module = make()
    for number, (name, parameter) in enumerate(list(module.named_parameters())):
        owner = module.get_submodule(name.rpartition(".")[0])
        stand_in = nn.Parameter(torch.tensor([float(number)], dtype=dtype).expand(parameter.shape), requires_grad=False)
        setattr(owner, name.rpartition(".")[2], stand_in)
    for name, buffer in list(module.named_buffers()):
        if not name.endswith("position_ids"):
            raise SystemExit(f"{name}: a buffer of unknown content")
        module.get_submodule(name.rpartition(".")[0]).position_ids = torch.arange(buffer.shape[-1])[None]
    return module.eval()


def clip(width, layers, heads, act, projection):
    return CLIPTextConfig(
        vocab_size=VOCABULARY,
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        hidden_act=act,
        projection_dim=projection,
        bos_token_id=49406,
        eos_token_id=49407,
        attn_implementation="eager",
    )


def text(dtype, projected, *config):
    return empty(lambda: (CLIPTextModelWithProjection if projected else CLIPTextModel)(clip(*config)), dtype)


def vae(dtype, scaling):
    levels = 4
    return empty(
        lambda: AutoencoderKL(
            block_out_channels=(128, 256, 512, 512),
            down_block_types=("DownEncoderBlock2D",) * levels,
            up_block_types=("UpDecoderBlock2D",) * levels,
            layers_per_block=2,
            latent_channels=4,
            sample_size=512,
            scaling_factor=scaling,
        ),
        dtype,
    )


def parts(model, dtype):
    """@returns (folder, graph, module whose config.json it is, inputs by name, outputs, sides that vary) of each part"""
    xl = model == "sdxl"
    ids = torch.zeros(2, 77, dtype=torch.long)
    batch = {0: "batch_size"}
    space = batch | {2: "height", 3: "width"}
    encoders = [("text_encoder", text(dtype, False, 768, 12, 12, "quick_gelu", 768), False)]
    if xl:
        encoders.append(("text_encoder_2", text(dtype, True, 1280, 32, 20, "gelu", 1280), True))
    for folder, encoder, pooled in encoders:
        outputs = ["text_embeds", "last_hidden_state"] if pooled else ["last_hidden_state", "pooler_output"]
        if xl:
            outputs += [f"hidden_states.{index}" for index in range(encoder.config.num_hidden_layers + 1)]
        axes = {name: batch for name in ("input_ids", *outputs)}
        yield folder, TextGraph(encoder, pooled, xl), encoder, {"input_ids": ids}, outputs, axes
    noise = empty(lambda: UNet2DConditionModel(**(SDXL_UNET if xl else SD15_UNET)), dtype)
    inputs = {
        "sample": torch.zeros(2, 4, 8, 8),
        "timestep": torch.tensor(501.0),
        "encoder_hidden_states": torch.zeros(2, 77, noise.config.cross_attention_dim),
    }
    if xl:
        inputs |= {"text_embeds": torch.zeros(2, 1280), "time_ids": torch.zeros(2, 6)}
    axes = {name: batch for name in inputs if name != "timestep"}
    axes |= {"sample": space, "out_sample": space, "encoder_hidden_states": batch | {1: "sequence_length"}}
    yield "unet", UnetGraph(noise), noise, inputs, ["out_sample"], axes
    pictures = vae(dtype, 0.13025 if xl else 0.18215)
    axes = {"sample": space, "latent_parameters": batch | {2: "latent_height", 3: "latent_width"}}
    yield "vae_encoder", EncoderGraph(pictures), pictures, {"sample": torch.zeros(1, 3, 64, 64)}, ["latent_parameters"], axes
    axes = {"latent_sample": space, "sample": batch | {2: "picture_height", 3: "picture_width"}}
    yield "vae_decoder", DecoderGraph(pictures), pictures, {"latent_sample": torch.zeros(1, 4, 8, 8)}, ["sample"], axes
