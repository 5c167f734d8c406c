"""What is run: a model, a pipeline, a scheduler, the call's arguments, and what the callback does.

`args` are those of the pipeline's call, except: `image` and `mask_image` name pictures (see pictures.py) or, as
"latents-of:CASE", the latents another case ended with; `seed` stands for the generator, a list for one a picture;
`size` is height and width. `note` says where diffusers was called in another way than its documentation has it.
"""

PROMPT = "a red house under a night sky with a moon"
SECOND = "a palm tree on a sandy beach"
NEGATIVE = "a yellow house"
STEPS = 10

EULER = ("euler", {})
SCHEDULERS = {
    "euler": "EulerDiscreteScheduler",
    "lms": "LMSDiscreteScheduler",
    "dpm2": "KDPM2DiscreteScheduler",
    "dpm2_a": "KDPM2AncestralDiscreteScheduler",
    "dpmpp_2s": "DPMSolverSinglestepScheduler",
    "dpmpp_sde": "DPMSolverSinglestepScheduler",
    "ddpm": "DDPMScheduler",
    "deis": "DEISMultistepScheduler",
    "tcd": "TCDScheduler",
    "euler_a": "EulerAncestralDiscreteScheduler",
    "heun": "HeunDiscreteScheduler",
    "dpmpp_2m": "DPMSolverMultistepScheduler",
    "dpmpp_2m_sde": "DPMSolverMultistepScheduler",
    "ddim": "DDIMScheduler",
    "pndm": "PNDMScheduler",
    "unipc": "UniPCMultistepScheduler",
    "lcm": "LCMScheduler",
}
CUTOFF_STEPS = (1, 2, 3, 4, 5, 10, 15, 20, 25, 28, 30, 50)
CORRECTED = "the cutoff callback halves every tensor with chunk(2)[-1]; the official one keeps one row and fails here"
CROP = "the negative row has the negative crop; diffusers' own _get_add_time_ids gives it the positive one"
SKIP = "text_encoder.text_model was put back, which transformers 5 has done away with and diffusers' clip_skip needs"
ROWS = "time ids are [negative] * B + [positive] * B; diffusers' own order is negative, positive, negative, positive"


def case(name, variant="sd", task="text-to-image", scheduler=EULER, note=None, action=None, record=None, **args):
    """@param record `all`; `latents`: no pixels; `trace`: batch sizes and the last latents only"""
    if record is None:
        record = "latents" if action is not None and action["kind"] in ("cutoff", "guidance", "prompt") else "all"
    base = {"prompt": PROMPT, "negative_prompt": NEGATIVE, "num_inference_steps": STEPS, "guidance_scale": 5.0, "seed": 7}
    if task != "text-to-image":
        base |= {"image": "init", "strength": 0.8}
    if task == "inpaint":
        base |= {"mask_image": "mask"}
    merged = {key: value for key, value in (base | args).items() if value is not ...}
    return {
        "name": name,
        "variant": variant,
        "task": task,
        "scheduler": scheduler,
        "args": merged,
        "action": action,
        "record": record,
        "note": note,
    }


def text_cases():
    yield case("sd-euler")
    yield case("sd-dpmpp-2m-karras", scheduler=("dpmpp_2m", {"use_karras_sigmas": True}))
    yield case("sd-ddim", scheduler=("ddim", {}))
    yield case("sd-ddim-eta", scheduler=("ddim", {}), eta=0.6)
    yield case("sd-pndm", scheduler=("pndm", {}))
    yield case("sd-euler-a", scheduler=("euler_a", {}))
    yield case("sd-heun", scheduler=("heun", {}))
    yield case("sd-dpmpp-2m-sde", scheduler=("dpmpp_2m_sde", {"algorithm_type": "sde-dpmsolver++"}))
    yield case("sd-unipc", scheduler=("unipc", {}))
    yield case("sd-v-ddim", "sd-v", scheduler=("ddim", {"timestep_spacing": "trailing"}))
    yield case("sd-v-euler", "sd-v")
    yield case("sd-unguided", guidance_scale=1.0)
    yield case("sd-rescale", guidance_rescale=0.7)
    yield case("sd-timesteps", timesteps=[999, 850, 736, 645, 545, 455, 343, 233, 124, 24])
    yield case("sd-sigmas", sigmas=[14.6, 8.2, 4.5, 2.1, 0.9, 0.3, 0.0])
    yield case("sd-clip-skip", clip_skip=1, note=SKIP)
    yield case("sd-images-2", num_images_per_prompt=2)
    yield case("sd-images-2-generators", num_images_per_prompt=2, seed=[7, 8])
    yield case("sd-euler-a-generators", scheduler=("euler_a", {}), num_images_per_prompt=2, seed=[7, 8])
    yield case("sd-prompts-2", prompt=[PROMPT, SECOND], negative_prompt=[NEGATIVE, NEGATIVE], num_images_per_prompt=2)
    yield case("sd-prompts-2-negatives", prompt=[PROMPT, SECOND], negative_prompt=[NEGATIVE, "snow"])
    yield case("sd-wide", size=[64, 96])
    yield case("sd-lcm", "sd-lcm", scheduler=("lcm", {}), num_inference_steps=4, guidance_scale=8.5, negative_prompt=None)
    yield case(
        "sd-lcm-images-2", "sd-lcm", scheduler=("lcm", {}), num_inference_steps=4, negative_prompt=None, num_images_per_prompt=2
    )
    for scheduler in ("euler", "ddim", "euler_a"):
        yield case(f"sdxl-{scheduler.replace('_', '-')}", "sdxl", scheduler=(scheduler, {}))
    yield case("sdxl-dpmpp-2m-karras", "sdxl", scheduler=("dpmpp_2m", {"use_karras_sigmas": True}))
    yield case("sdxl-rescale", "sdxl", guidance_rescale=0.7)
    yield case("sdxl-clip-skip", "sdxl", clip_skip=1)
    yield case("sdxl-negative-null", "sdxl", negative_prompt=None)
    yield case("sdxl-negative-empty", "sdxl", negative_prompt="")
    yield case("sdxl-prompt-2", "sdxl", prompt_2=SECOND, negative_prompt_2="snow")
    yield case("sdxl-prompts-2", "sdxl", prompt=[PROMPT, SECOND], negative_prompt=[NEGATIVE, NEGATIVE], num_images_per_prompt=2)
    yield case("sdxl-sizes", "sdxl", original_size=[512, 768], crops_coords_top_left=[16, 32], target_size=[256, 320])
    negatives = {
        "negative_original_size": [128, 160],
        "negative_crops_coords_top_left": [8, 4],
        "negative_target_size": [96, 72],
    }
    sizes = {"original_size": [512, 768], "crops_coords_top_left": [16, 32], "target_size": [256, 320]}
    yield case("sdxl-negative-sizes", "sdxl", **sizes, **negatives)
    yield case("sdxl-negative-sizes-2", "sdxl", **sizes, **negatives, num_images_per_prompt=2, note=ROWS)
    yield case("sdxl-norm", "sdxl-norm")
    yield case("sdxl-base-part", "sdxl", denoising_end=0.7)


def picture_cases():
    image = "image-to-image"
    for strength in (0.5, 0.8, 0.3):
        yield case(f"sd-img2img-{strength}", task=image, strength=strength)
    yield case("sd-img2img-ddim", task=image, scheduler=("ddim", {}))
    yield case("sd-img2img-heun", task=image, scheduler=("heun", {}), strength=0.5)
    yield case("sd-img2img-pndm", task=image, scheduler=("pndm", {}), strength=0.5)
    yield case("sd-img2img-dpmpp-2m-karras", task=image, scheduler=("dpmpp_2m", {"use_karras_sigmas": True}), strength=0.5)
    yield case("sd-img2img-euler-a", task=image, scheduler=("euler_a", {}))
    yield case("sd-img2img-images-2", task=image, num_images_per_prompt=2)
    yield case("sd-img2img-generators", task=image, num_images_per_prompt=2, seed=[7, 8])
    yield case("sd-img2img-resized", task=image, image="odd-init", size=[64, 64])
    yield case("sd-img2img-floored", task=image, image="odd-init", size=[64, 96])
    yield case("sd-img2img-full", task=image, strength=1.0)
    yield case("sdxl-img2img", "sdxl", task=image, strength=0.3)
    yield case("sdxl-img2img-images-2", "sdxl", task=image, num_images_per_prompt=2, strength=0.5)
    negatives = {
        "negative_original_size": [128, 160],
        "negative_crops_coords_top_left": [8, 4],
        "negative_target_size": [96, 72],
    }
    yield case("sdxl-img2img-negative-sizes", "sdxl", task=image, crops_coords_top_left=[16, 32], **negatives, note=CROP)
    yield case("sdxl-img2img-norm", "sdxl-norm", task=image)
    yield case("sdxl-img2img-started", "sdxl", task=image, denoising_start=0.6)
    yield case("sdxl-refiner", "sdxl-refiner", task=image, strength=0.5)
    yield case("sdxl-refiner-negative-null", "sdxl-refiner", task=image, strength=0.5, negative_prompt=None)
    yield case(
        "sdxl-refiner-scores",
        "sdxl-refiner",
        task=image,
        strength=0.5,
        aesthetic_score=7.5,
        negative_aesthetic_score=1.0,
        **sizes_of_refiner(),
    )
    yield case("sdxl-refiner-started", "sdxl-refiner", task=image, denoising_start=0.7)
    yield case("sdxl-refiner-started-heun", "sdxl-refiner", task=image, denoising_start=0.7, scheduler=("heun", {}))
    yield case("sdxl-refiner-part", "sdxl-refiner", task=image, image="latents-of:sdxl-base-part", denoising_start=0.7)


def sizes_of_refiner():
    return {
        "original_size": [512, 768],
        "crops_coords_top_left": [16, 32],
        "negative_original_size": [128, 160],
        "negative_crops_coords_top_left": [8, 4],
    }


def inpaint_name(variant):
    """The nine-channel UNets are called -9: their folder is named after the task."""
    return f"{variant}-9" if variant.endswith("inpaint") else f"{variant}-inpaint"


def inpaint_cases():
    strengths_of = {"sd": (1.0, 0.6), "sd-inpaint": (1.0, 0.7), "sdxl": (0.9999, 1.0, 0.6), "sdxl-inpaint": (1.0, 0.7)}
    for variant, strengths in strengths_of.items():
        for strength in strengths:
            yield case(f"{inpaint_name(variant)}-{strength}", variant, task="inpaint", strength=strength)
    yield case("sd-inpaint-ddim", task="inpaint", strength=1.0, scheduler=("ddim", {}))
    yield case("sd-inpaint-euler-a", task="inpaint", scheduler=("euler_a", {}))
    yield case("sd-inpaint-heun", task="inpaint", strength=0.5, scheduler=("heun", {}))
    yield case("sd-inpaint-pndm", task="inpaint", strength=0.6, scheduler=("pndm", {}))
    yield case("sd-inpaint-unguided", task="inpaint", guidance_scale=1.0)
    yield case("sd-inpaint-images-2", task="inpaint", num_images_per_prompt=2)
    yield case("sd-inpaint-9-images-2", "sd-inpaint", task="inpaint", num_images_per_prompt=2, strength=0.7)
    both = "picture and mask are given once a generator, so that each posterior comes from its own"
    yield case("sd-inpaint-generators", task="inpaint", num_images_per_prompt=2, seed=[7, 8], note=both)
    yield case("sd-inpaint-resized", task="inpaint", image="odd-init", mask_image="odd-mask")
    yield case("sd-inpaint-9-resized", "sd-inpaint", task="inpaint", image="odd-init", mask_image="odd-mask", strength=1.0)
    yield case("sd-inpaint-crop", task="inpaint", image="big-init", mask_image="big-mask", padding_mask_crop=8)
    yield case(
        "sd-inpaint-crop-wide", task="inpaint", image="big-init", mask_image="big-mask", padding_mask_crop=4, size=[64, 128]
    )
    yield case(
        "sdxl-inpaint-9-crop", "sdxl-inpaint", task="inpaint", image="big-init", mask_image="big-mask", padding_mask_crop=0
    )
    yield case(
        "sdxl-inpaint-sizes",
        "sdxl",
        task="inpaint",
        crops_coords_top_left=[16, 32],
        negative_crops_coords_top_left=[8, 4],
        note=CROP,
    )
    yield case("sdxl-inpaint-started", "sdxl", task="inpaint", denoising_start=0.6)


def callback_cases():
    official = {"kind": "cutoff", "ratio": 0.4, "official": True}
    for variant in ("sd", "sdxl"):
        for steps in CUTOFF_STEPS:
            yield case(f"{variant}-cutoff-{steps}", variant, num_inference_steps=steps, action=official, record="trace")
        for ratio in (0.0, 0.5, 1.0):
            yield case(f"{variant}-cutoff-ratio-{ratio}", variant, action=official | {"ratio": ratio}, record="trace")
        yield case(f"{variant}-cutoff-heun", variant, scheduler=("heun", {}), action=official, record="trace")
    corrected = {"kind": "cutoff", "ratio": 0.4, "official": False}
    text = [("sd", "text-to-image"), ("sdxl", "text-to-image")]
    for variant, task in [*text, *((variant, "inpaint") for variant in ("sd", "sd-inpaint", "sdxl", "sdxl-inpaint"))]:
        name = inpaint_name(variant) if task == "inpaint" else variant
        yield case(f"{name}-cutoff-images-3", variant, task, num_images_per_prompt=3, action=corrected, note=CORRECTED)
    yield case("sd-interrupt", num_inference_steps=20, action={"kind": "interrupt", "step": 10})
    yield case("sdxl-interrupt", "sdxl", num_inference_steps=20, action={"kind": "interrupt", "step": 10})
    yield case("sd-change-prompt", action={"kind": "prompt", "step": 3, "prompt": SECOND})
    yield case("sdxl-change-prompt", "sdxl", action={"kind": "prompt", "step": 3, "prompt": SECOND})
    yield case("sd-change-guidance", action={"kind": "guidance", "step": 4, "scale": 2.0})
    yield case("sd-change-latents", action={"kind": "latents", "steps": [2, 9], "factor": 0.8})
    yield case("sd-change-latents-ddim", scheduler=("ddim", {}), action={"kind": "latents", "steps": [2, 9], "factor": 0.8})


def scheduler_cases():
    """Every scheduler through the pipelines that use it in different ways: whole, begun midway, and with the picture put back."""
    stochastic = {"dpmpp_2m_sde": {"algorithm_type": "sde-dpmsolver++"}, "dpmpp_sde": {"algorithm_type": "sde-dpmsolver++"}}
    for name in SCHEDULERS:
        chosen = {"scheduler": (name, stochastic.get(name, {})), "record": "trace"}
        short = name.replace("_", "-")
        yield case(f"sd-{short}-alone", **chosen)
        yield case(f"sd-img2img-{short}-alone", task="image-to-image", strength=0.5, **chosen)
        yield case(f"sd-inpaint-{short}-alone", task="inpaint", strength=0.6, **chosen)
        yield case(
            f"sdxl-inpaint-9-{short}-alone", "sdxl-inpaint", task="inpaint", num_images_per_prompt=2, seed=[7, 8], **chosen
        )
        yield case(f"sdxl-{short}-part-alone", "sdxl", denoising_end=0.55, num_images_per_prompt=2, **chosen)
        yield case(
            f"sdxl-img2img-{short}-part-alone", "sdxl", task="image-to-image", denoising_start=0.35, denoising_end=0.8, **chosen
        )
    for task in ("text-to-image", "image-to-image", "inpaint"):
        for name in ("ddim", "ddpm", "pndm", "euler"):
            yield case(f"sd-bare-{task}-{name}", "sd-bare", task, scheduler=(name, {}), guidance_scale=2.0, record="trace")
    half = {"task": "image-to-image", "strength": 0.5, "record": "trace"}
    yield case("sd-img2img-timesteps", timesteps=[999, 850, 736, 645, 545, 455, 343, 233, 124, 24], **half)
    yield case("sd-img2img-sigmas", sigmas=[14.6, 8.2, 4.5, 2.1, 0.9, 0.3, 0.0], **half)
    yield case("sd-dpmpp-2m-timesteps", scheduler=("dpmpp_2m", {}), timesteps=[950, 700, 500, 333, 120, 20], record="trace")
    yield case("sd-tcd-eta", scheduler=("tcd", {}), eta=0.3, num_inference_steps=6, record="trace")
    yield case("sd-img2img-ddim-eta", task="image-to-image", scheduler=("ddim", {}), eta=1.0, record="trace")
    yield case("sd-v-rescale", "sd-v", guidance_rescale=0.7, record="trace")
    yield case("sd-guidance-half", guidance_scale=0.5, record="trace")


def all_cases():
    cases = [*text_cases(), *picture_cases(), *inpaint_cases(), *callback_cases(), *scheduler_cases()]
    names = [one["name"] for one in cases]
    if len(set(names)) < len(names):
        raise SystemExit(f"Two cases of one name: {sorted(name for name in names if names.count(name) > 1)}")
    return cases
