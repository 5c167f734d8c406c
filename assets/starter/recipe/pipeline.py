"""Generates pictures with a training checkpoint."""

from pathlib import Path

import torch

from diffusion import alpha_bars, sample
from models import Decoder, TextEncoder, UNet
from tokenizer import Tokenizer


HALF_LEAST = 256  # smaller tensors are shipped as fp32


def round_to_half(module):
    """Rounds the larger weights to fp16 values, which is how they are shipped; arithmetic stays fp32."""
    with torch.no_grad():
        for tensor in module.state_dict().values():
            if tensor.dtype == torch.float32 and tensor.numel() >= HALF_LEAST:
                tensor.copy_(tensor.half())


class Pipeline:
    """Tokenizer, text encoder, UNet and decoder of a work folder, with weights rounded as they are shipped."""

    def __init__(self, work, checkpoint, rounded=True):
        work = Path(work)
        self.tokenizer = Tokenizer(work / "tokenizer")
        state = torch.load(work / checkpoint)
        self.seen = state["seen"]
        self.alpha_bar = alpha_bars(state["zero_snr"])
        self.unet = UNet().to(memory_format=torch.channels_last).eval()
        self.unet.load_state_dict(state["unet"])
        self.text_encoder = TextEncoder(len(self.tokenizer.vocabulary)).eval()
        self.text_encoder.load_state_dict(state["text_encoder"])
        self.decoder = Decoder().to(memory_format=torch.channels_last).eval()
        self.decoder.load_state_dict(torch.load(work / "vae.pt")["decoder"])
        statistics = torch.load(work / "statistics.pt")
        self.mean = statistics["mean"].view(1, -1, 1, 1)
        self.std = statistics["std"].view(1, -1, 1, 1)
        if rounded:
            for module in (self.unet, self.text_encoder, self.decoder):
                round_to_half(module)

    @torch.no_grad()
    def generate(self, prompts, seeds, guidance, cutoff=1.0, steps=20, size=128, batch=25, negative=""):
        """Pictures [n, 3, size, size] in [-1, 1]; one seed per prompt."""
        pictures = []
        for first in range(0, len(prompts), batch):
            part = prompts[first : first + batch]
            text = self.text_encoder(torch.tensor([self.tokenizer(prompt) for prompt in part]))
            empty = self.text_encoder(torch.tensor([self.tokenizer(negative)])).expand(len(part), -1, -1)
            noise = [
                torch.randn(1, 4, size // 8, size // 8, generator=torch.Generator().manual_seed(seed))
                for seed in seeds[first : first + batch]
            ]
            latents = sample(self.unet, text, empty, torch.cat(noise), self.alpha_bar, guidance, cutoff, steps)
            pictures.append(self.decoder(latents * self.std + self.mean).clamp(-1, 1))
        return torch.cat(pictures)
