"""Noise schedule and sampling."""

import torch


def alpha_bars(zero_snr=True):
    """Cumulative products of Stable Diffusion's schedule, optionally rescaled to zero signal at the last step."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    cumulative = torch.cumprod(1 - betas, 0)
    if zero_snr:
        root = cumulative.sqrt()
        root = (root - root[-1]) * root[0] / (root[0] - root[-1])
        cumulative = root.square()
    return cumulative.float()


def trailing_timesteps(steps):
    """diffusers' `timestep_spacing: trailing`."""
    return [round(1000 - index * 1000 / steps) - 1 for index in range(steps)]


@torch.no_grad()
def sample(unet, text, empty, noise, alpha_bar, guidance=1.0, cutoff=1.0, steps=20):
    """DDIM from noise to latents in model scale. Guidance is on for steps 0..floor(cutoff * steps) inclusive."""
    timesteps = trailing_timesteps(steps)
    x = noise
    last_guided = int(cutoff * steps)
    for index, timestep in enumerate(timesteps):
        keep = alpha_bar[timestep]
        keep_next = alpha_bar[timesteps[index + 1]] if index + 1 < steps else alpha_bar[0]
        now = torch.tensor(float(timestep))
        x = x.contiguous(memory_format=torch.channels_last)
        if guidance != 1 and index <= last_guided:
            both = unet(torch.cat([x, x]).contiguous(memory_format=torch.channels_last), now, torch.cat([empty, text]))
            without, wanted = both.float().chunk(2)
            v = without + guidance * (wanted - without)
        else:
            v = unet(x, now, text).float()
        clean = keep.sqrt() * x - (1 - keep).sqrt() * v
        noise_now = (1 - keep).sqrt() * x + keep.sqrt() * v
        x = keep_next.sqrt() * clean + (1 - keep_next).sqrt() * noise_now
    return x
