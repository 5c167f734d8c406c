"""The reference's models with random weights."""
import math

import torch
from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

import configs

DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def randomise(model, seed, stored="F32"):
    """Weights that keep the size of what flows through, norms and biases that are seen; rounded to the type they are stored in."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in model.named_parameters():
            noise = torch.randn(value.shape, generator=generator)
            if value.ndim >= 2:
                value.copy_(noise / math.sqrt(value[0].numel()))
            elif name.endswith("bias"):
                value.copy_(0.2 * noise)
            else:
                value.copy_(1 + 0.2 * noise)
            value.copy_(value.to(DTYPES[stored]).float())
    return model.eval()


def stored(model, dtype):
    """The weights as a file holds them; transformers' names are those of the published files in every version."""
    text = isinstance(model, (CLIPTextModel, CLIPTextModelWithProjection))

    def published(name):
        return name if not text or name.startswith(("text_model.", "text_projection.")) else f"text_model.{name}"

    state = {published(name): value.to(DTYPES[dtype]).contiguous() for name, value in model.state_dict().items() if value.is_floating_point()}
    return state


def make_unet(config):
    return UNet2DConditionModel(**config)


def make_text(config, projection):
    model = CLIPTextModelWithProjection if projection else CLIPTextModel
    return model(CLIPTextConfig(**config, attn_implementation="eager"))


def make_vae(config):
    return AutoencoderKL(**config)


def make_taesd(config):
    return AutoencoderTiny(**config)


def unet_inputs(config, seed, batch=2, side=16, tokens=77):
    """Inputs by the names of the graph's. `timestep` is one number."""
    generator = torch.Generator().manual_seed(seed)
    normal = lambda *dims: torch.randn(*dims, generator=generator)
    inputs = {
        "sample": normal(batch, config.get("in_channels", 4), side, side),
        "timestep": torch.tensor(741.0),
        "encoder_hidden_states": normal(batch, tokens, config["cross_attention_dim"]),
    }
    if config.get("time_cond_proj_dim"):
        inputs["timestep_cond"] = normal(batch, config["time_cond_proj_dim"])
    if config.get("addition_embed_type"):
        width = config["addition_time_embed_dim"]
        count = configs.TIME_IDS[len(config["block_out_channels"])]
        ids = [512.0, 640.0, 16.0, 0.0, 512.0, 768.0][:count - 1] + [6.5 if count == 5 else 768.0]
        inputs["text_embeds"] = normal(batch, config["projection_class_embeddings_input_dim"] - count * width)
        inputs["time_ids"] = torch.tensor([ids] * batch)
    return inputs


def run_unet(model, inputs):
    added = {name: inputs[name] for name in ("text_embeds", "time_ids") if name in inputs}
    with torch.no_grad():
        return model(inputs["sample"], inputs["timestep"], inputs["encoder_hidden_states"], timestep_cond=inputs.get("timestep_cond"),
                     added_cond_kwargs=added or None, return_dict=False)[0]
