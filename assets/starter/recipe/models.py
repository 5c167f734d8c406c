"""The networks: VAE, causal text encoder and UNet, all small enough to train on two CPU cores.

They have the interfaces of a Stable Diffusion pipeline but fewer and thinner layers: the VAE has no
normalisation, the UNet has one residual block per level on the way down and two on the way up. Two things
help a tiny UNet that a large one does without, both inside the graph, so that its inputs stay the usual three:
the pooled text is added to the time embedding, and the layout block gives every level a picture of the
absolute place, weighted by the text.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

TEXT_WIDTH = 128
TEXT_LENGTH = 77
LATENT_CHANNELS = 4
SCALING_FACTOR = 0.18215


def attention(query, key, value, heads, mask=None):
    """Multi-head attention written out: exports to plain ONNX operators and is fast in bfloat16 on the CPU."""
    batch, length, width = query.shape
    size = width // heads

    def split(tensor):
        return tensor.reshape(batch, -1, heads, size).transpose(1, 2)

    scores = (split(query) * size**-0.5) @ split(key).transpose(-1, -2)
    if mask is not None:
        scores = scores + mask.to(scores.dtype)
    weights = torch.softmax(scores, dim=-1).to(value.dtype)
    return (weights @ split(value)).transpose(1, 2).reshape(batch, length, width)


# ------------------------------------------------------------------------------------------------- VAE


class PlainResidual(nn.Module):
    """Residual block without normalisation; starts close to the identity."""

    def __init__(self, width):
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.normal_(self.second.weight, std=1e-3)
        nn.init.zeros_(self.second.bias)

    def forward(self, x):
        return x + self.second(F.relu(self.first(F.relu(x))))


class Upsample(nn.Module):
    """Doubles height and width, then convolves."""

    def __init__(self, width_in, width_out):
        super().__init__()
        self.conv = nn.Conv2d(width_in, width_out, 3, padding=1)

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Encoder(nn.Module):
    """Picture in [-1, 1] -> mean and log variance of the latents, 8 times smaller."""

    def __init__(self, widths=(24, 48, 96)):
        super().__init__()
        near, middle, far = widths
        self.layers = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(12, near, 3, padding=1),
            PlainResidual(near),
            nn.Conv2d(near, middle, 3, stride=2, padding=1),
            PlainResidual(middle),
            nn.Conv2d(middle, far, 3, stride=2, padding=1),
            PlainResidual(far),
            PlainResidual(far),
            nn.ReLU(),
            nn.Conv2d(far, 2 * LATENT_CHANNELS, 3, padding=1),
        )

    def forward(self, sample):
        return self.layers(sample)


class Decoder(nn.Module):
    """Latents -> picture, 8 times larger."""

    def __init__(self, widths=(32, 64, 96)):
        super().__init__()
        near, middle, far = widths
        self.layers = nn.Sequential(
            nn.Conv2d(LATENT_CHANNELS, far, 3, padding=1),
            PlainResidual(far),
            PlainResidual(far),
            PlainResidual(far),
            Upsample(far, middle),
            PlainResidual(middle),
            PlainResidual(middle),
            Upsample(middle, near),
            PlainResidual(near),
            PlainResidual(near),
            nn.ReLU(),
            nn.Conv2d(near, 12, 3, padding=1),
            nn.PixelShuffle(2),
        )

    def forward(self, latents):
        return self.layers(latents)


# ---------------------------------------------------------------------------------------- text encoder


class TextBlock(nn.Module):
    """Pre-norm transformer block, as in CLIP."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm_mlp = nn.LayerNorm(width)
        self.expand = nn.Linear(width, 4 * width)
        self.contract = nn.Linear(4 * width, width)

    def forward(self, x, mask):
        query, key, value = self.query_key_value(self.norm_attention(x)).chunk(3, dim=-1)
        x = x + self.out(attention(query, key, value, self.heads, mask))
        return x + self.contract(F.gelu(self.expand(self.norm_mlp(x)), approximate="tanh"))


class TextEncoder(nn.Module):
    """Causal transformer over 77 tokens with the structure of CLIP's text model."""

    def __init__(self, vocabulary_size, layers=3, heads=4):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary_size, TEXT_WIDTH)
        nn.init.normal_(self.tokens.weight, std=0.05)
        self.positions = nn.Parameter(torch.randn(TEXT_LENGTH, TEXT_WIDTH) * 0.01)
        self.blocks = nn.ModuleList([TextBlock(TEXT_WIDTH, heads) for _ in range(layers)])
        self.norm = nn.LayerNorm(TEXT_WIDTH)
        causal = torch.full((TEXT_LENGTH, TEXT_LENGTH), -1e4).triu(1)
        self.register_buffer("causal", causal, persistent=False)

    def forward(self, input_ids):
        length = input_ids.shape[1]
        x = self.tokens(input_ids) + self.positions[:length]
        for block in self.blocks:
            x = block(x, self.causal[:length, :length])
        return self.norm(x)


# ------------------------------------------------------------------------------------------------ UNet


def group_norm(width):
    return nn.GroupNorm(16 if width % 16 == 0 else 8, width, eps=1e-6)


class Residual(nn.Module):
    """Residual block with a scale and a shift from the embedding."""

    def __init__(self, width_in, width_out, embedding):
        super().__init__()
        self.norm_in = group_norm(width_in)
        self.conv_in = nn.Conv2d(width_in, width_out, 3, padding=1)
        self.embed = nn.Linear(embedding, 2 * width_out)
        self.norm_out = group_norm(width_out)
        self.conv_out = nn.Conv2d(width_out, width_out, 3, padding=1)
        self.skip = nn.Conv2d(width_in, width_out, 1) if width_in != width_out else nn.Identity()
        nn.init.zeros_(self.conv_out.weight)
        nn.init.zeros_(self.conv_out.bias)

    def forward(self, x, embedding):
        hidden = self.conv_in(F.silu(self.norm_in(x)))
        factor, shift = self.embed(embedding)[:, :, None, None].chunk(2, dim=1)
        hidden = self.norm_out(hidden) * (1 + factor) + shift
        return self.skip(x) + self.conv_out(F.silu(hidden))


class Transformer(nn.Module):
    """Self-attention over the places, cross-attention to the text, MLP."""

    def __init__(self, width, head_size=32, expansion=2):
        super().__init__()
        self.heads = width // head_size
        self.norm = group_norm(width)
        self.norm_self = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.out_self = nn.Linear(width, width)
        self.norm_cross = nn.LayerNorm(width)
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(TEXT_WIDTH, 2 * width, bias=False)
        self.out_cross = nn.Linear(width, width)
        self.norm_mlp = nn.LayerNorm(width)
        self.expand = nn.Linear(width, expansion * width)
        self.contract = nn.Linear(expansion * width, width)
        for layer in (self.out_self, self.out_cross, self.contract):
            nn.init.normal_(layer.weight, std=0.005)
            nn.init.zeros_(layer.bias)

    def forward(self, x, text):
        batch, width, rows, columns = x.shape
        y = self.norm(x).permute(0, 2, 3, 1).reshape(batch, -1, width)
        query, key, value = self.query_key_value(self.norm_self(y)).chunk(3, dim=-1)
        y = y + self.out_self(attention(query, key, value, self.heads))
        key, value = self.key_value(text).chunk(2, dim=-1)
        y = y + self.out_cross(attention(self.query(self.norm_cross(y)), key, value, self.heads))
        y = y + self.contract(F.gelu(self.expand(self.norm_mlp(y)), approximate="tanh"))
        return x + y.reshape(batch, rows, columns, width).permute(0, 3, 1, 2)


def layout_basis(height, width, waves):
    """Smooth pictures of the place, waves*waves cosine products: [1, waves^2, height, width].

    They depend on the place relative to the picture only, so the same scene at another size gets the same ones.
    """
    order = torch.arange(waves, dtype=torch.float32)
    rows = (torch.arange(height, dtype=torch.float32) + 0.5) / height
    columns = (torch.arange(width, dtype=torch.float32) + 0.5) / width
    vertical = torch.cos(math.pi * order[:, None] * rows[None, :])
    horizontal = torch.cos(math.pi * order[:, None] * columns[None, :])
    product = vertical[:, None, :, None] * horizontal[None, :, None, :]
    return product.reshape(1, waves * waves, height, width)


class Layout(nn.Module):
    """Adds pictures of the absolute place, each weighted by the embedding of time and text."""

    def __init__(self, channels, embedding, waves=6):
        super().__init__()
        self.waves = waves
        self.weights = nn.Linear(embedding, channels)
        self.mix = nn.Conv2d(waves * waves, channels, 1, bias=False)

    def forward(self, x, embedding):
        basis = layout_basis(x.shape[2], x.shape[3], self.waves)
        return x + self.mix(basis) * self.weights(embedding)[:, :, None, None]


class UNet(nn.Module):
    """Predicts v from noisy latents, timestep and text."""

    def __init__(self, widths=(64, 128, 160), embedding=256, layout=True, coordinates=True):
        super().__init__()
        near, middle, far = widths
        self.coordinates = coordinates
        self.time_width = 2 * near
        half = self.time_width // 2
        frequencies = torch.exp(-math.log(10000) * torch.arange(half) / half)
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.time_in = nn.Linear(self.time_width, embedding)
        self.time_out = nn.Linear(embedding, embedding)
        self.pooled = nn.Linear(2 * TEXT_WIDTH, embedding)

        self.conv_in = nn.Conv2d(LATENT_CHANNELS + (2 if coordinates else 0), near, 3, padding=1)
        self.layout_near = Layout(near, embedding) if layout else None
        self.down_near = Residual(near, near, embedding)
        self.shrink_near = nn.Conv2d(near, near, 3, stride=2, padding=1)
        self.down_middle = Residual(near, middle, embedding)
        self.layout_middle = Layout(middle, embedding) if layout else None
        self.down_middle_text = Transformer(middle)
        self.shrink_middle = nn.Conv2d(middle, middle, 3, stride=2, padding=1)
        self.down_far = Residual(middle, far, embedding)
        self.down_far_text = Transformer(far)

        self.bottom_first = Residual(far, far, embedding)
        self.bottom_text = Transformer(far)
        self.bottom_second = Residual(far, far, embedding)

        self.up_far_first = Residual(far + far, far, embedding)
        self.up_far_text = Transformer(far)
        self.up_far_second = Residual(far + middle, far, embedding)
        self.grow_far = Upsample(far, far)
        self.up_middle_first = Residual(far + middle, middle, embedding)
        self.up_middle_text_first = Transformer(middle)
        self.up_middle_second = Residual(middle + near, middle, embedding)
        self.up_middle_text_second = Transformer(middle)
        self.grow_middle = Upsample(middle, middle)
        self.up_near_first = Residual(middle + near, near, embedding)
        self.up_near_text = Transformer(near)
        self.up_near_second = Residual(near + near, near, embedding)

        self.norm_out = group_norm(near)
        self.conv_out = nn.Conv2d(near, LATENT_CHANNELS, 3, padding=1)
        nn.init.zeros_(self.conv_out.weight)
        nn.init.zeros_(self.conv_out.bias)

    def embed(self, timestep, text, batch):
        """Embedding of the timestep (scalar or one per picture) and of the pooled text."""
        timestep = timestep.to(torch.float32).reshape(-1).expand(batch)
        angles = timestep[:, None] * self.frequencies[None]
        time = self.time_out(F.silu(self.time_in(torch.cat([angles.cos(), angles.sin()], dim=-1))))
        pooled = self.pooled(torch.cat([text.mean(dim=1), text[:, -1]], dim=-1))
        return F.silu(time + pooled)

    def with_coordinates(self, sample):
        """Concatenates x and y in [-1, 1] as two more channels."""
        batch, _, height, width = sample.shape
        rows = (torch.arange(height, dtype=torch.float32) + 0.5) / height * 2 - 1
        columns = (torch.arange(width, dtype=torch.float32) + 0.5) / width * 2 - 1
        x = columns[None, None, None, :].expand(batch, 1, height, width)
        y = rows[None, None, :, None].expand(batch, 1, height, width)
        return torch.cat([sample, x, y], dim=1)

    def forward(self, sample, timestep, encoder_hidden_states):
        text = encoder_hidden_states
        embedding = self.embed(timestep, text, sample.shape[0])
        if self.coordinates:
            sample = self.with_coordinates(sample)
        first = self.conv_in(sample)
        if self.layout_near is not None:
            first = self.layout_near(first, embedding)
        near = self.down_near(first, embedding)
        near_small = self.shrink_near(near)
        middle = self.down_middle(near_small, embedding)
        if self.layout_middle is not None:
            middle = self.layout_middle(middle, embedding)
        middle = self.down_middle_text(middle, text)
        middle_small = self.shrink_middle(middle)
        far = self.down_far_text(self.down_far(middle_small, embedding), text)

        x = self.bottom_second(self.bottom_text(self.bottom_first(far, embedding), text), embedding)

        x = self.up_far_text(self.up_far_first(torch.cat([x, far], 1), embedding), text)
        x = self.up_far_second(torch.cat([x, middle_small], 1), embedding)
        x = self.grow_far(x)
        x = self.up_middle_text_first(self.up_middle_first(torch.cat([x, middle], 1), embedding), text)
        x = self.up_middle_text_second(self.up_middle_second(torch.cat([x, near_small], 1), embedding), text)
        x = self.grow_middle(x)
        x = self.up_near_text(self.up_near_first(torch.cat([x, near], 1), embedding), text)
        x = self.up_near_second(torch.cat([x, first], 1), embedding)
        return self.conv_out(F.silu(self.norm_out(x)))
