"""diffusers' names of a UNet, a VAE and text encoders to those of the original single files, the other way round from
diffusers' `loaders/single_file_utils.py`. What comes out is held against it: `from_single_file` has to find every tensor.
"""

import re

OUTER = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}


def unet(name, layers, attends):
    """@param layers of a level @param attends per level whether it has attention"""
    head, kind = name.rsplit(".", 1)
    if head in OUTER:
        return f"{OUTER[head]}.{kind}"
    levels = len(attends)
    match = re.fullmatch(r"(down_blocks|up_blocks)\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)", name)
    if match:
        side, level, part, index, rest = match.group(1), int(match.group(2)), match.group(3), int(match.group(4)), match.group(5)
        if side == "down_blocks":
            block = f"input_blocks.{1 + level * (layers + 1) + (layers if part == 'downsamplers' else index)}"
        else:
            block = f"output_blocks.{level * (layers + 1) + (layers if part == 'upsamplers' else index)}"
        if part == "resnets":
            inner, kind = rest.rsplit(".", 1)
            return f"{block}.0.{RESNET[inner]}.{kind}"
        if part == "attentions":
            return f"{block}.1.{rest}"
        if part == "downsamplers":
            return f"{block}.0.op.{rest.removeprefix('conv.')}"
        return f"{block}.{2 if attends[levels - 1 - level] else 1}.{rest}"
    match = re.fullmatch(r"mid_block\.(resnets|attentions)\.(\d)\.(.+)", name)
    part, index, rest = match.groups()
    if part == "attentions":
        return f"middle_block.1.{rest}"
    inner, kind = rest.rsplit(".", 1)
    return f"middle_block.{2 * int(index)}.{RESNET[inner]}.{kind}"


def vae(name, levels):
    name = name.replace(".conv_norm_out.", ".norm_out.").replace(".conv_shortcut.", ".nin_shortcut.")
    name = re.sub(r"encoder\.down_blocks\.(\d+)\.resnets\.", r"encoder.down.\1.block.", name)
    name = re.sub(r"encoder\.down_blocks\.(\d+)\.downsamplers\.0\.", r"encoder.down.\1.downsample.", name)
    name = re.sub(r"decoder\.up_blocks\.(\d+)\.resnets\.", lambda m: f"decoder.up.{levels - 1 - int(m[1])}.block.", name)
    name = re.sub(r"decoder\.up_blocks\.(\d+)\.upsamplers\.0\.", lambda m: f"decoder.up.{levels - 1 - int(m[1])}.upsample.", name)
    name = re.sub(r"mid_block\.resnets\.(\d)\.", lambda m: f"mid.block_{int(m[1]) + 1}.", name)
    name = name.replace("mid_block.attentions.0.", "mid.attn_1.")
    for new, old in (("group_norm", "norm"), ("to_q", "q"), ("to_k", "k"), ("to_v", "v"), ("to_out.0", "proj_out")):
        name = name.replace(f"attn_1.{new}.", f"attn_1.{old}.")
    return name


OPEN_CLIP = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}


def open_clip(shapes, layers):
    """Names and shapes of an OpenCLIP text encoder for those of a transformers one. @param layers in all, also unused ones"""
    width = shapes["text_model.final_layer_norm.weight"][0]
    inner = shapes["text_model.encoder.layers.0.mlp.fc1.weight"][0]
    projection = shapes.get("text_projection.weight", [width, width])
    result = {
        "positional_embedding": shapes["text_model.embeddings.position_embedding.weight"],
        "token_embedding.weight": shapes["text_model.embeddings.token_embedding.weight"],
        "ln_final.weight": [width],
        "ln_final.bias": [width],
        "text_projection": list(reversed(projection)),
    }
    for layer in range(layers):
        block = f"transformer.resblocks.{layer}"
        result |= {
            f"{block}.attn.in_proj_weight": [3 * width, width],
            f"{block}.attn.in_proj_bias": [3 * width],
            f"{block}.attn.out_proj.weight": [width, width],
            f"{block}.attn.out_proj.bias": [width],
            f"{block}.mlp.c_fc.weight": [inner, width],
            f"{block}.mlp.c_fc.bias": [inner],
            f"{block}.mlp.c_proj.weight": [width, inner],
            f"{block}.mlp.c_proj.bias": [width],
        }
        for norm in ("ln_1", "ln_2"):
            result |= {f"{block}.{norm}.weight": [width], f"{block}.{norm}.bias": [width]}
    return result
