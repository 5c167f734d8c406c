"""The runs whose numbers are committed: every scheduler with every config key it reads.

Left out because diffusers itself gives no numbers there: zero terminal SNR with epsilon for DDIM, DDPM, LCM and TCD
(division by 0); UniPC bh1, or without predict_x0, on the way to sigma 0 (infinity times 0); dynamic shifting without mu;
PNDM with Runge-Kutta steps and fewer than 4 timesteps; DPM2 a on cosine betas (the root of a negative number). Left out
because coefficients that cancel make a last bit of torch's exp or sqrt show: third-order `heun` SDE and DEIS of order 3
beyond 20 steps, and LMS on cosine betas with beta sigmas, where diffusers integrates in float32.
"""
from .reference import SAMPLERS

LINEAR = {"beta_schedule": "linear", "beta_start": 0.0001, "beta_end": 0.02}
COSINE = {"beta_schedule": "squaredcos_cap_v2"}
ZERO = {"timestep_spacing": "trailing", "prediction_type": "v_prediction", "rescale_betas_zero_snr": True}
AYS = {"sd": [999, 850, 736, 645, 545, 455, 343, 233, 124, 24], "sdxl": [999, 845, 730, 587, 443, 310, 193, 116, 53, 13]}

CURVES = ("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas")
CURVED = {"euler", "heun", "lms", "dpm2", "dpm2_a", "dpmpp_2m", "dpmpp_2m_sde", "dpmpp_2s", "dpmpp_sde", "unipc", "deis"}
RESCALED = {"euler", "euler_a", "ddim", "ddpm", "dpmpp_2m", "dpmpp_2m_sde", "unipc", "lcm", "tcd"}
TIMESTEPS = {"euler", "heun", "dpmpp_2m", "dpmpp_2m_sde", "dpmpp_2s", "dpmpp_sde", "ddpm"}
UNSPACED = {"dpmpp_2s", "dpmpp_sde", "lcm", "tcd"}
DISTILLED = {"lcm", "tcd"}
TWO_CALLS = {"heun", "dpm2", "dpm2_a"}
NO_SAMPLE = {"euler_a", "dpm2", "dpm2_a", "pndm"}
MULTISTEP = {"dpmpp_2m", "dpmpp_2m_sde", "dpmpp_2s", "dpmpp_sde"}
CLIPPED = {"ddim", "ddpm", "lcm"}

# What the rows about something else leave switched off: both clip by default.
PLAIN = {"ddim": {"clip_sample": False}, "ddpm": {"clip_sample": False}, "pndm": {"skip_prk_steps": True}}


def row(sampler, steps=5, **rest):
    return {"sampler": sampler, "steps": steps, **PLAIN.get(sampler, {}), **rest}


def common(sampler):
    """What every scheduler on trained betas is asked."""
    predictions = ("epsilon", "v_prediction") if sampler in NO_SAMPLE else ("epsilon", "v_prediction", "sample")
    for steps in (1, 2, 3, 10, 20, 50):
        yield row(sampler, steps)
    for spacing in ("linspace",) if sampler in UNSPACED else ("linspace", "leading", "trailing"):
        for prediction in predictions:
            yield row(sampler, timestep_spacing=spacing, steps_offset=1, prediction_type=prediction)
        yield row(sampler, 16, timestep_spacing=spacing)
    yield row(sampler, 10, **LINEAR)
    if sampler != "dpm2_a":
        yield row(sampler, **COSINE)
    yield row(sampler, 10, num_train_timesteps=2000)
    order = 2 if sampler in TWO_CALLS else 1
    yield row(sampler, 10, begin=3 * order, prediction_type="v_prediction")
    yield row(sampler, 20, begin=13 * order, steps_offset=1)
    yield row(sampler, 3, begin=2 * order)
    yield row(sampler, 12, end=7)
    yield row(sampler, 25, begin=5 * order, end=5 * order + 8)


def curved(sampler):
    for curve in CURVES:
        for steps in (1, 2, 5, 10, 30):
            yield row(sampler, steps, **{curve: True})
        yield row(sampler, 8, **{curve: True}, sigma_min=0.1, sigma_max=10.0)
        yield row(sampler, 8, **{curve: True}, timestep_spacing="leading", steps_offset=1, prediction_type="v_prediction")
    yield row(sampler, 6, use_karras_sigmas=True, **COSINE)
    yield row(sampler, 12, use_karras_sigmas=True, begin=6)


def multistep(sampler):
    for order in (1, 2, 3):
        for solver in ("midpoint", "heun"):
            for steps in (7, 20):
                yield row(sampler, steps, solver_order=order, solver_type=solver)
                if not (order == 3 and solver == "heun" and steps == 20):
                    yield row(sampler, steps, solver_order=order, solver_type=solver, final_sigmas_type="sigma_min")
                yield row(sampler, steps, solver_order=order, solver_type=solver, lower_order_final=False)
    for steps in (1, 2, 3, 4, 6, 9):
        yield row(sampler, steps, solver_order=3, lower_order_final=True)
        yield row(sampler, steps, solver_order=3, lower_order_final=False, final_sigmas_type="sigma_min")
    yield row(sampler, 10, solver_order=3, begin=4)
    yield row(sampler, 16, euler_at_final=True, final_sigmas_type="sigma_min")
    yield row(sampler, 10, lambda_min_clipped=-2.0)
    yield row(sampler, 10, thresholding=True)
    yield row(sampler, 10, thresholding=True, sample_max_value=3.0, dynamic_thresholding_ratio=0.7)
    for shift in (1.0, 3.0):
        yield row(sampler, 10, use_flow_sigmas=True, flow_shift=shift, prediction_type="flow_prediction")
    yield row(sampler, 4, solver_type="bh2")


def unipc():
    for order in (1, 2, 3):
        for steps in (3, 10, 20):
            yield row("unipc", steps, solver_order=order)
            yield row("unipc", steps, solver_order=order, solver_type="bh1", final_sigmas_type="sigma_min")
            yield row("unipc", steps, solver_order=order, predict_x0=False, final_sigmas_type="sigma_min")
            yield row("unipc", steps, solver_order=order, lower_order_final=False, final_sigmas_type="sigma_min")
    yield row("unipc", 10, predict_x0=False, final_sigmas_type="sigma_min", prediction_type="v_prediction")
    yield row("unipc", 10, predict_x0=False, final_sigmas_type="sigma_min", prediction_type="sample")
    yield row("unipc", 10, disable_corrector=[0, 3])
    yield row("unipc", 10, solver_type="midpoint")
    yield row("unipc", 10, solver_order=3, begin=4)
    yield row("unipc", 10, thresholding=True, sample_max_value=2.0, dynamic_thresholding_ratio=0.5)
    yield row("unipc", 5, use_karras_sigmas=True, final_sigmas_type="sigma_min")
    flow = {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}
    for shift in (1.0, 3.0):
        yield row("unipc", 10, **flow, flow_shift=shift)
    yield row("unipc", 10, **flow, shift_terminal=0.1)
    yield row("unipc", 10, **flow, use_karras_sigmas=True)
    yield row("unipc", 10, **flow, use_dynamic_shifting=True, mu=0.8)
    yield row("unipc", 4, **flow, sigmas=[0.95, 0.8, 0.5, 0.2])


def deis():
    for order in (1, 2, 3):
        for steps in (3, 7, 16):
            yield row("deis", steps, solver_order=order)
            yield row("deis", steps, solver_order=order, lower_order_final=False)
    yield row("deis", 10, thresholding=True)
    yield row("deis", 10, solver_order=3, begin=4)
    yield row("deis", 10, use_flow_sigmas=True, flow_shift=3.0, prediction_type="flow_prediction")


def euler():
    for steps in (5, 10):
        yield row("euler", steps, final_sigmas_type="sigma_min")
        yield row("euler", steps, interpolation_type="log_linear")
        yield row("euler", steps, interpolation_type="log_linear", use_karras_sigmas=True)
        yield row("euler", steps, timestep_type="continuous", prediction_type="v_prediction")
        yield row("euler", steps, timestep_type="continuous", prediction_type="v_prediction", use_karras_sigmas=True)
        yield row("euler", steps, timestep_type="continuous")
    yield row("euler", 5, interpolation_type="log_linear", timestep_type="continuous", prediction_type="v_prediction")
    yield row("euler", 4, sigmas=[14.6, 5.0, 2.0, 0.5, 0.0])
    yield row("euler", 4, sigmas=[14.6, 5.0, 2.0, 0.5, 0.03], prediction_type="v_prediction", timestep_spacing="leading")
    yield row("euler", 4, sigmas=[14.6, 5.0, 2.0, 0.5, 0.0], use_karras_sigmas=True, begin=1)
    # Found by comparing random configs: here the last bit of a beta shows.
    yield row("euler", 2, **LINEAR, prediction_type="sample")
    yield row("euler_a", 50, **LINEAR)
    yield row("euler_a", 25, **LINEAR, prediction_type="v_prediction", num_train_timesteps=2000)


def ddim():
    for eta in (0.3, 1.0):
        yield row("ddim", 5, eta=eta, set_alpha_to_one=False, steps_offset=1)
        yield row("ddim", 10, eta=eta, timestep_spacing="trailing", begin=4)
        yield row("ddim", 10, eta=eta, prediction_type="v_prediction")
    yield row("ddim", 5, set_alpha_to_one=False, steps_offset=1)
    yield row("ddim", 3, eta=1.0, num_train_timesteps=500, timestep_spacing="linspace", set_alpha_to_one=False)


def ddpm():
    for variance in ("fixed_small", "fixed_small_log", "fixed_large"):
        yield row("ddpm", 8, variance_type=variance, steps_offset=1)
        yield row("ddpm", 8, variance_type=variance, timestep_spacing="trailing", prediction_type="v_prediction")
    yield row("ddpm", 5, timesteps=[900, 500, 250, 60, 0])


def clipped(sampler):
    rest = {key: value for key, value in row(sampler, 8).items() if key != "clip_sample"}
    for prediction in ("epsilon", "v_prediction"):
        yield {**rest, "clip_sample": True, "prediction_type": prediction}
        yield {**rest, "clip_sample": True, "clip_sample_range": 2.0, "prediction_type": prediction}
        yield {**rest, "clip_sample": True, "thresholding": True, "prediction_type": prediction}
        for ratio in (0.3, 0.7, 0.995):
            limits = {"thresholding": True, "dynamic_thresholding_ratio": ratio, "sample_max_value": 3.0}
            yield {**rest, "clip_sample": False, **limits, "prediction_type": prediction}
    yield rest


def pndm():
    for spacing in ("linspace", "leading", "trailing"):
        for steps in (4, 5, 10, 20):
            yield {"sampler": "pndm", "steps": steps, "timestep_spacing": spacing, "skip_prk_steps": False}
    yield {"sampler": "pndm", "steps": 10}
    yield {"sampler": "pndm", "steps": 10, "prediction_type": "v_prediction"}
    yield {"sampler": "pndm", "steps": 10, "begin": 3}
    yield row("pndm", 5, steps_offset=1)
    yield row("pndm", 10, set_alpha_to_one=True, begin=5)


def distilled(sampler):
    for steps in (1, 4, 7, 50):
        yield row(sampler, steps)
        yield row(sampler, steps, eta=0.3)
    yield row(sampler, 4, eta=1.0, begin=1)
    yield row(sampler, 4, original_inference_steps=100)
    yield row(sampler, 4, timestep_scaling=5.0)
    yield row(sampler, 4, set_alpha_to_one=False)
    yield row(sampler, 3, timesteps=[999, 600, 200], eta=0.5)


def flow():
    for steps in (1, 2, 3, 10, 28, 50):
        for shift in (1.0, 3.0, 1.15):
            yield row("flow_euler", steps, shift=shift)
    for kind in ("exponential", "linear"):
        yield row("flow_euler", 10, use_dynamic_shifting=True, time_shift_type=kind, mu=0.7)
        yield row("flow_euler", 10, use_dynamic_shifting=True, time_shift_type=kind, mu=1.15, shift_terminal=0.02)
    yield row("flow_euler", 10, shift=3.0, shift_terminal=0.1)
    yield row("flow_euler", 10, shift=3.0, invert_sigmas=True)
    yield row("flow_euler", 10, shift=3.0, stochastic_sampling=True)
    yield row("flow_euler", 10, shift=3.0, begin=4)
    yield row("flow_euler", 10, shift=3.0, end=6)
    for curve in CURVES:
        yield row("flow_euler", 8, shift=3.0, **{curve: True})
    yield row("flow_euler", 4, shift=1.15, sigmas=[1.0, 0.7, 0.4, 0.1])
    yield row("flow_euler", 4, shift=3.0, timesteps=[1000.0, 750.0, 500.0, 250.0], begin=1)
    yield row("flow_euler", 4, sigmas=[0.9, 0.7, 0.4, 0.1], shift_terminal=0.05)


SPECIAL = {"euler": euler, "ddim": ddim, "ddpm": ddpm, "unipc": unipc, "deis": deis, "pndm": pndm}


def rows():
    for sampler in SAMPLERS:
        if sampler == "flow_euler":
            yield from flow()
            continue
        yield from common(sampler)
        if sampler in CURVED:
            yield from curved(sampler)
        if sampler in RESCALED:
            for steps in (1, 4, 20):
                yield row(sampler, steps, **{**ZERO, **({"timestep_spacing": "linspace"} if sampler in UNSPACED else {})})
        if sampler in TIMESTEPS:
            yield row(sampler, 10, timesteps=AYS["sd"])
            yield row(sampler, 10, timesteps=AYS["sdxl"], prediction_type="v_prediction", begin=4 * (2 if sampler == "heun" else 1))
        if sampler in MULTISTEP:
            yield from multistep(sampler)
        if sampler in {"dpmpp_2m", "dpmpp_2m_sde"}:
            yield row(sampler, 10, use_lu_lambdas=True)
            # 2000 levels under zero terminal SNR do not rise to the end.
            for curve in CURVES:
                yield row(sampler, 4, **ZERO, num_train_timesteps=2000, **{curve: True})
            yield row(sampler, 10, timestep_spacing="trailing", lambda_min_clipped=-2.0)
        if sampler in CLIPPED:
            yield from clipped(sampler)
        if sampler == "heun":
            yield row(sampler, 8, clip_sample=True)
            yield row(sampler, 8, clip_sample=True, clip_sample_range=2.0, prediction_type="v_prediction")
        if sampler in DISTILLED:
            yield from distilled(sampler)
        if sampler in SPECIAL:
            yield from SPECIAL[sampler]()
