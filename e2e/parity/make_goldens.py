"""Writes electron/engine/schedulers/golden/*.json from the reference implementation.

Run: python e2e/parity/make_goldens.py  (packages of requirements.txt)
Model of the trajectories: .5*cos(i+1) + .1*clamp(x, -1, 1) on the scaled input, x_i = sin(i+1) * init_noise_sigma,
i = 0..15 as 1x4x2x2; noise: CPU generator seed 7.
"""
import json
import pathlib

import diffusers
import numpy as np
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
)

OUT = pathlib.Path(__file__).resolve().parents[2] / "electron/engine/schedulers/golden"
BASE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
SAMPLERS = {
    "euler": (EulerDiscreteScheduler, {}),
    "euler_a": (EulerAncestralDiscreteScheduler, {}),
    "ddim": (DDIMScheduler, {"clip_sample": False}),
    "dpmpp_2m": (DPMSolverMultistepScheduler, {}),
    "dpmpp_2m_karras": (DPMSolverMultistepScheduler, {"use_karras_sigmas": True}),
}
ZERO = {"timestep_spacing": "trailing", "prediction_type": "v_prediction", "rescale_betas_zero_snr": True}


def rows():
    for sampler in SAMPLERS:
        for spacing in ("linspace", "leading", "trailing"):
            for prediction in ("epsilon", "v_prediction"):
                yield sampler, 5, {"timestep_spacing": spacing, "steps_offset": 1, "prediction_type": prediction}
        for steps in (1, 4, 10, 20):
            yield sampler, steps, ZERO
        yield sampler, 20, {"timestep_spacing": "trailing", "prediction_type": "v_prediction"}
        yield sampler, 5, {}
        yield sampler, 10, {"beta_schedule": "linear", "beta_start": 0.0001, "beta_end": 0.02}
        yield sampler, 5, {"beta_schedule": "squaredcos_cap_v2"}
        if sampler != "euler_a":
            yield sampler, 6, {"prediction_type": "sample"}
    yield "euler", 5, {"use_karras_sigmas": True}
    yield "euler", 5, {"final_sigmas_type": "sigma_min"}
    yield "dpmpp_2m", 20, {}
    yield "dpmpp_2m", 20, {"final_sigmas_type": "sigma_min"}
    yield "dpmpp_2m", 10, {"final_sigmas_type": "sigma_min"}
    yield "dpmpp_2m_karras", 20, {}
    yield "ddim", 5, {"set_alpha_to_one": False, "steps_offset": 1}
    yield "ddim", 16, {"timestep_spacing": "trailing"}
    yield "ddim", 5, {"set_alpha_to_one": False, "steps_offset": 1, "eta": 1.0}
    # Found by comparing random configs: here the last bit of a beta shows.
    linear = {"beta_schedule": "linear", "beta_start": 0.0001, "beta_end": 0.02}
    yield "euler", 2, {**linear, "prediction_type": "sample"}
    yield "euler_a", 50, linear
    yield "euler_a", 25, {**linear, "prediction_type": "v_prediction", "num_train_timesteps": 2000}


def trajectory(sampler, steps, extra):
    cls, fixed = SAMPLERS[sampler]
    config = {**BASE, **extra}
    eta = config.pop("eta", None)
    scheduler = cls.from_config({**config, **fixed})
    scheduler.set_timesteps(steps)
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(0)  # repeated timesteps would confuse the search for the first index
    generator = torch.Generator().manual_seed(7)
    ramp = torch.arange(16, dtype=torch.float32).reshape(1, 4, 2, 2) + 1
    x = torch.sin(ramp) * scheduler.init_noise_sigma
    first = x.clone()
    samples = []
    for t in scheduler.timesteps:
        xs = scheduler.scale_model_input(x, t)
        output = 0.5 * torch.cos(ramp) + 0.1 * torch.clamp(xs, -1, 1)
        extra_args = {} if eta is None else {"eta": eta}
        if sampler in ("euler", "euler_a", "ddim"):
            extra_args["generator"] = generator
        x = scheduler.step(output, t, x, **extra_args).prev_sample
        samples.append([float(v) for v in x.flatten()])
    return {
        "scheduler": sampler,
        "steps": steps,
        "eta": eta or 0,
        "config": config,
        "timesteps": [float(t) for t in scheduler.timesteps],
        "sigmas": [float(s) for s in scheduler.sigmas] if hasattr(scheduler, "sigmas") else None,
        "initNoiseSigma": float(scheduler.init_noise_sigma),
        "initial": [float(v) for v in first.flatten()],
        "samples": samples,
    }


def tables():
    """Timestep lists of every step count that a spacing may round differently, and alphas_cumprod."""
    lists = []
    for sampler in SAMPLERS:
        for spacing in ("linspace", "leading", "trailing"):
            for steps in (1, 2, 3, 6, 7, 16, 28, 30, 50):
                cls, fixed = SAMPLERS[sampler]
                scheduler = cls.from_config({**BASE, **fixed, "timestep_spacing": spacing, "steps_offset": 1})
                scheduler.set_timesteps(steps)
                lists.append([sampler, spacing, steps, [float(t) for t in scheduler.timesteps]])
    plain = EulerDiscreteScheduler(**BASE)
    linear = EulerDiscreteScheduler()
    zero = EulerDiscreteScheduler(**BASE, rescale_betas_zero_snr=True)
    index = list(range(0, 1000, 37)) + [998, 999]
    return {
        "timesteps": lists,
        "index": index,
        "alphasCumprod": [float(plain.alphas_cumprod[i]) for i in index],
        "alphasCumprodLinear": [float(linear.alphas_cumprod[i]) for i in index],
        "alphasCumprodZeroSnr": [float(zero.alphas_cumprod[i]) for i in index],
    }


def normals():
    out = []
    for seed in (0, 1, 42, 2**32 + 42, 18446744073709551615):
        for count in (1, 5, 15, 16, 17, 31, 100, 2304):
            generator = torch.Generator().manual_seed(seed if seed < 2**63 else seed - 2**64)
            first = torch.randn(count, generator=generator)
            second = torch.randn(7, generator=generator)
            keep = [float(v) for v in first] if count <= 31 else [float(v) for v in first[-20:]]
            out.append({"seed": str(seed), "count": count, "tail": keep, "then7": [float(v) for v in second]})
    return out


def compact(value):
    return json.dumps(value, separators=(",", ":"), default=float)


def write(name, value):
    OUT.mkdir(parents=True, exist_ok=True)
    made = {"torch": torch.__version__, "diffusers": diffusers.__version__, "numpy": np.__version__}
    text = json.dumps({"madeWith": made})[:-1] + ',"rows":' + value + "}\n"
    (OUT / name).write_text(text)


def rounded(value):
    """Nine digits hold a float32 exactly."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, list):
        return [rounded(v) for v in value]
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return value


if __name__ == "__main__":
    lines = [compact(rounded(trajectory(*row))) for row in rows()]
    write("trajectories.json", "[\n" + ",\n".join(lines) + "\n]")
    write("tables.json", compact(rounded(tables())))
    write("normals.json", "[\n" + ",\n".join(compact(rounded(n)) for n in normals()) + "\n]")
