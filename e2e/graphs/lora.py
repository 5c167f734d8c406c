"""LoRAs with random weights, and a model with them merged in: the arithmetic of kohya's and LyCORIS' network modules."""
import math

import torch

# Every kind of layer a LoRA touches: linear, a 1 x 1 convolution, 3 x 3 convolutions with and without stride, GEGLU's two halves.
LAYERS = [
    "down_blocks.0.attentions.0.proj_in",
    "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q",
    "down_blocks.1.attentions.1.transformer_blocks.0.attn2.to_k",
    "down_blocks.0.attentions.1.transformer_blocks.0.ff.net.0.proj",
    "down_blocks.0.attentions.1.transformer_blocks.0.ff.net.2",
    "down_blocks.0.downsamplers.0.conv",
    "down_blocks.1.resnets.0.conv1",
    "down_blocks.1.resnets.0.time_emb_proj",
    "down_blocks.1.resnets.0.conv_shortcut",
    "mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0",
    "mid_block.resnets.1.conv2",
    "up_blocks.1.upsamplers.0.conv",
    "up_blocks.3.attentions.2.transformer_blocks.0.attn2.to_v",
    "up_blocks.3.resnets.1.conv2",
    "conv_in",
]
# Tucker-decomposed: a 1 x 1 down, a mid of the layer's size.
TUCKER = {"down_blocks.0.downsamplers.0.conv", "up_blocks.3.resnets.1.conv2"}
RANK, ALPHA = 3, 2.0


def random_lora(model, seed):
    """{layer}.down, .up and of some .mid; the second LoRA leaves every third layer alone."""
    generator = torch.Generator().manual_seed(seed)
    tensors, scales = {}, {}
    for index, layer in enumerate(LAYERS):
        if seed % 2 == 1 and index % 3 == 2:
            continue
        weight = model.get_submodule(layer).weight
        tucker = layer in TUCKER and seed % 2 == 0
        size = weight.shape[2:]
        normal = lambda *dims: torch.randn(*dims, generator=generator) / math.sqrt(math.prod(dims[1:]))
        one = [1] * len(size)
        tensors[f"{layer}.down"] = normal(RANK, weight.shape[1], *(one if tucker else size))
        if tucker:
            tensors[f"{layer}.mid"] = normal(RANK, RANK, *size)
        tensors[f"{layer}.up"] = normal(weight.shape[0], RANK, *one)
        scales[layer] = ALPHA / RANK
    return {"tensors": tensors, "scales": scales}


def delta(tensors, layer):
    down, up, mid = tensors[f"{layer}.down"], tensors[f"{layer}.up"], tensors.get(f"{layer}.mid")
    flat = up.flatten(1)
    if mid is None:
        return (flat @ down.flatten(1)).reshape(up.shape[0], *down.shape[1:])
    return torch.einsum("ijkl,jr,pi->prkl", mid, down.flatten(1), flat)


def merged(model, loras, strengths):
    with torch.no_grad():
        for one, strength in zip(loras, strengths):
            for layer, scale in one["scales"].items():
                model.get_submodule(layer).weight += strength * scale * delta(one["tensors"], layer)
    return model
