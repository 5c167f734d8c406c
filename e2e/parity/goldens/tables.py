"""Numbers that are no runs: timestep lists, alphas_cumprod, quantiles, and what cross-loading makes of files."""
import hashlib

import numpy as np
import scipy.stats
from diffusers import EulerDiscreteScheduler
from diffusers.schedulers import AysSchedules

from .reference import BASE, SAMPLERS, planned
from .rows import CURVED, CURVES, UNSPACED


def digest(sampler, scheduler):
    """Eight hex digits of the SHA-256 of the timesteps as little-endian float32.

    Of DPM2 every other one, the levels: those between them carry the last bit of torch's exp.
    """
    every = 2 if sampler in {"dpm2", "dpm2_a"} else 1
    data = scheduler.timesteps[::every].numpy().astype("<f4").tobytes()
    return hashlib.sha256(data).hexdigest()[:8]


def lists():
    """One string a scheduler and spacing: the digests for 1..50 steps, one after the other; `-` x 8 where diffusers has none."""
    out = {}
    for sampler in SAMPLERS:
        for spacing in ("automatic",) if sampler in UNSPACED | {"flow_euler"} else ("linspace", "leading", "trailing"):
            config = {"steps_offset": 1} if spacing == "automatic" else {"steps_offset": 1, "timestep_spacing": spacing}
            variants = [{"skip_prk_steps": True}, {"skip_prk_steps": False}] if sampler == "pndm" else [{}]
            for variant in variants:
                name = f"{sampler} {spacing}" + (" prk" if variant.get("skip_prk_steps") is False else "")
                out[name] = "".join(listed(sampler, {**config, **variant}, steps) for steps in range(1, 51))
        # Whole timesteps only: fractions carry a logarithm's last bit.
        if sampler in CURVED and sampler not in {"euler", "heun", "lms", "dpm2", "dpm2_a"}:
            for curve in CURVES:
                out[f"{sampler} {curve}"] = "".join(listed(sampler, {curve: True}, steps) for steps in range(1, 51))
    return out


def listed(sampler, config, steps):
    if sampler == "pndm" and config["skip_prk_steps"] is False and steps < 4:
        return "-" * 8
    return digest(sampler, planned(sampler, config, steps))


def quantiles():
    wanted = [*np.linspace(0, 1, 41), 1e-12, 1e-6, 1e-3, 1 - 1e-3, 1 - 1e-6]
    return [[float(p), float(scipy.stats.beta.ppf(p, 0.6, 0.6))] for p in wanted]


def tables():
    plain = EulerDiscreteScheduler(**BASE)
    linear = EulerDiscreteScheduler()
    zero = EulerDiscreteScheduler(**BASE, rescale_betas_zero_snr=True)
    index = [*range(0, 1000, 37), 998, 999]
    return {
        "timesteps": lists(),
        "index": index,
        "alphasCumprod": [float(plain.alphas_cumprod[i]) for i in index],
        "alphasCumprodLinear": [float(linear.alphas_cumprod[i]) for i in index],
        "alphasCumprodZeroSnr": [float(zero.alphas_cumprod[i]) for i in index],
        "alignYourSteps": {"sd": AysSchedules["StableDiffusionTimesteps"], "sdxl": AysSchedules["StableDiffusionXLTimesteps"]},
    }
