"""One run of a diffusers scheduler with a stand-in model, as plain data.

The model says .5*cos(i+1) + .1*clamp(x, -1, 1) of the scaled input; i = 0..15 as 1x4x2x2; noise: CPU generator seed 7.
A run from the beginning starts at sin(i+1) * init_noise_sigma; one that begins in the middle at add_noise(sin(i+1),
cos(i+1)) for the timestep there, as image to image does.
"""
import inspect

import numpy as np
import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DEISMultistepScheduler,
    DPMSolverMultistepScheduler,
    DPMSolverSinglestepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    HeunDiscreteScheduler,
    KDPM2AncestralDiscreteScheduler,
    KDPM2DiscreteScheduler,
    LCMScheduler,
    LMSDiscreteScheduler,
    PNDMScheduler,
    TCDScheduler,
    UniPCMultistepScheduler,
)

BASE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}

# Our id: the diffusers class, and what the id itself stands for.
SAMPLERS = {
    "euler": (EulerDiscreteScheduler, {}),
    "euler_a": (EulerAncestralDiscreteScheduler, {}),
    "heun": (HeunDiscreteScheduler, {}),
    "lms": (LMSDiscreteScheduler, {}),
    "dpm2": (KDPM2DiscreteScheduler, {}),
    "dpm2_a": (KDPM2AncestralDiscreteScheduler, {}),
    "dpmpp_2m": (DPMSolverMultistepScheduler, {"algorithm_type": "dpmsolver++"}),
    "dpmpp_2m_sde": (DPMSolverMultistepScheduler, {"algorithm_type": "sde-dpmsolver++"}),
    "dpmpp_2s": (DPMSolverSinglestepScheduler, {"algorithm_type": "dpmsolver++"}),
    "dpmpp_sde": (DPMSolverSinglestepScheduler, {"algorithm_type": "sde-dpmsolver++"}),
    "ddim": (DDIMScheduler, {}),
    "ddpm": (DDPMScheduler, {}),
    "unipc": (UniPCMultistepScheduler, {}),
    "pndm": (PNDMScheduler, {}),
    "deis": (DEISMultistepScheduler, {}),
    "lcm": (LCMScheduler, {}),
    "tcd": (TCDScheduler, {}),
    "flow_euler": (FlowMatchEulerDiscreteScheduler, {}),
}

RAMP = torch.arange(16, dtype=torch.float32).reshape(1, 4, 2, 2) + 1


def made(sampler, config):
    cls, fixed = SAMPLERS[sampler]
    return cls.from_config({**BASE, **config, **fixed})


def planned(sampler, config, steps, timesteps=None, sigmas=None, mu=None):
    """The scheduler with its timesteps set."""
    scheduler = made(sampler, config)
    arguments = {} if mu is None else {"mu": mu}
    if timesteps is not None:
        scheduler.set_timesteps(timesteps=timesteps, **arguments)
    elif sigmas is not None:
        # An array: UniPC cannot calculate with a list.
        scheduler.set_timesteps(sigmas=np.array(sigmas), **arguments)
    else:
        scheduler.set_timesteps(steps, **arguments)
    return scheduler


def noised(scheduler, at, begin):
    t = scheduler.timesteps[at : at + 1]
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(begin)
    if hasattr(scheduler, "scale_noise"):
        return scheduler.scale_noise(torch.sin(RAMP), t, torch.cos(RAMP))
    return scheduler.add_noise(torch.sin(RAMP), torch.cos(RAMP), t)


def values(tensor):
    return [float(v) for v in tensor.flatten()]


def run(sampler, steps=10, eta=0.0, begin=0, end=None, timesteps=None, sigmas=None, mu=None, **config):
    """Every sample of a run over the indices begin..end-1 of the timesteps."""
    scheduler = planned(sampler, config, steps, timesteps, sigmas, mu)
    # Set also for whole runs: the search for repeated timesteps would begin at the second of them.
    if begin > 0:
        x = noised(scheduler, begin, begin)
    else:
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(0)
        x = torch.sin(RAMP) * getattr(scheduler, "init_noise_sigma", 1.0)
    initial = x.clone()
    generator = torch.Generator().manual_seed(7)
    parameters = inspect.signature(scheduler.step).parameters
    extra = {name: value for name, value in (("eta", eta), ("generator", generator)) if name in parameters}
    samples = []
    for t in scheduler.timesteps[begin:end]:
        xs = scheduler.scale_model_input(x, t) if hasattr(scheduler, "scale_model_input") else x
        output = 0.5 * torch.cos(RAMP) + 0.1 * torch.clamp(xs, -1, 1)
        x = scheduler.step(output, t, x, **extra).prev_sample
        if not torch.isfinite(x).all():
            raise ArithmeticError("values that are no numbers")
        samples.append(values(x))
    return {
        "timesteps": [float(t) for t in scheduler.timesteps],
        "initNoiseSigma": float(getattr(scheduler, "init_noise_sigma", 1.0)),
        "initial": values(initial),
        "samples": samples,
    }
