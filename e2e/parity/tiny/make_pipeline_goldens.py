"""Runs diffusers' own pipelines on the tiny models and keeps every number: python make_pipeline_goldens.py [--only WORD]

Writes goldens/cases.json and goldens/tensors.bin.gz beside the models. --floor runs every case a second time with the UNet in
onnxruntime and prints how far two correct runs lie apart, which is the floor of any comparison.
"""

import argparse
import json
import time
import warnings

import diffusers
import numpy
import onnxruntime
import pictures
import PIL
import torch
import transformers
from cases import NEGATIVE, SCHEDULERS, all_cases
from diffusers import (
    StableDiffusionImg2ImgPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLInpaintPipeline,
    StableDiffusionXLPipeline,
)
from diffusers.callbacks import SDCFGCutoffCallback, SDXLCFGCutoffCallback
from models import FIXTURES, VARIANTS, part
from record import Recorder, Store

OUT = FIXTURES / "goldens"
PIPELINES = {
    ("sd", "text-to-image"): StableDiffusionPipeline,
    ("sd", "image-to-image"): StableDiffusionImg2ImgPipeline,
    ("sd", "inpaint"): StableDiffusionInpaintPipeline,
    ("sdxl", "text-to-image"): StableDiffusionXLPipeline,
    ("sdxl", "image-to-image"): StableDiffusionXLImg2ImgPipeline,
    ("sdxl", "inpaint"): StableDiffusionXLInpaintPipeline,
}


def family(case):
    return case["variant"].split("-")[0]


def build(case):
    parts, scheduler_file, facts = VARIANTS[case["variant"]]
    name, extra = case["scheduler"]
    scheduler = getattr(diffusers, SCHEDULERS[name]).from_config({**scheduler_file, **extra})
    modules = {key: part(parts[key]) for key in parts}
    extras = {"scheduler": scheduler}
    if family(case) == "sd":
        extras |= {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    else:
        modules = {"text_encoder": None, "tokenizer": None} | modules
        extras |= facts | {"add_watermarker": False}
        if case["task"] == "text-to-image":
            extras.pop("requires_aesthetics_score", None)
    pipeline = PIPELINES[family(case), case["task"]](**modules, **extras)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def nothing(*_):
    return {}


def action_of(case, pipeline):
    """The step-end callback behind the recorder."""
    action = case["action"]
    if action is None:
        return nothing
    xl = family(case) == "sdxl"

    def cutoff(pipe, index, timestep, tensors):
        if index != int(pipe.num_timesteps * action["ratio"]):
            return {}
        pipe._guidance_scale = 0.0
        halved = ("prompt_embeds", "add_text_embeds", "add_time_ids", "mask", "masked_image_latents")
        return {name: tensors[name].chunk(2)[-1] for name in halved if name in tensors}

    def official(pipe, index, timestep, tensors):
        cls = SDXLCFGCutoffCallback if xl else SDCFGCutoffCallback
        return dict(cls(cutoff_step_ratio=action["ratio"])(pipe, index, timestep, dict(tensors)))

    def interrupt(pipe, index, *_):
        if index == action["step"]:
            pipe._interrupt = True
        return {}

    def guidance(pipe, index, *_):
        if index == action["step"]:
            pipe._guidance_scale = action["scale"]
        return {}

    def latents(pipe, index, timestep, tensors):
        return {"latents": tensors["latents"] * action["factor"]} if index in action["steps"] else {}

    def prompt(pipe, index, *_):
        if index != action["step"]:
            return {}
        common = {"device": "cpu", "num_images_per_prompt": 1, "do_classifier_free_guidance": True, "negative_prompt": NEGATIVE}
        encoded = pipe.encode_prompt(action["prompt"], **common)
        changed = {"prompt_embeds": torch.cat([encoded[1], encoded[0]])}
        return changed | ({"add_text_embeds": torch.cat([encoded[3], encoded[2]])} if xl else {})

    if action["kind"] == "cutoff":
        return official if action["official"] else cutoff
    return {"interrupt": interrupt, "guidance": guidance, "latents": latents, "prompt": prompt}[action["kind"]]


def generator_of(seed):
    if isinstance(seed, list):
        return [torch.Generator().manual_seed(one) for one in seed]
    return torch.Generator().manual_seed(seed)


def call_arguments(case, pipeline, finals):
    args = {key: tuple(value) if key.endswith(("_size", "_left")) else value for key, value in case["args"].items()}
    size, seed = args.pop("size", None), args.pop("seed")
    for name in ("image", "mask_image"):
        value = args.get(name)
        if value is None:
            continue
        args[name] = finals[value.removeprefix("latents-of:")] if value.startswith("latents-of:") else pictures.load(value)
    if case["task"] == "image-to-image" and size == [64, 64]:
        # Img2img takes its size from the picture; ours is told one and brings the picture to it first.
        args["image"] = pipeline.image_processor.preprocess(args["image"], height=size[0], width=size[1])
    elif case["task"] != "image-to-image":
        args |= {"height": (size or [64, 64])[0], "width": (size or [64, 64])[1]}
    if case["task"] == "inpaint" and isinstance(seed, list):
        for name in ("image", "mask_image"):
            args[name] = [args[name]] * len(seed)
    args["generator"] = generator_of(seed)
    return args


def correct_rows(case, pipeline):
    """Puts right what diffusers gets wrong in the size conditioning of the negative row; each case says so in its note."""
    if case["note"] is None or "negative" not in case["note"]:
        return nothing
    if case["task"] != "text-to-image":
        original = pipeline._get_add_time_ids

        def fixed(size, crop, target, score, negative_score, negative_size, negative_crop, negative_target, **rest):
            positive, _ = original(
                size, crop, target, score, negative_score, negative_size, negative_crop, negative_target, **rest
            )
            negative, _ = original(
                negative_size, negative_crop, negative_target, score, negative_score, size, crop, target, **rest
            )
            return positive, negative

        pipeline._get_add_time_ids = fixed
        return nothing
    rows = case["args"]["num_images_per_prompt"]

    def sort_rows(_, args, kwargs):
        ids = kwargs["added_cond_kwargs"]["time_ids"]
        ids.copy_(torch.cat([ids[0::2], ids[1::2]]) if not torch.equal(ids[0], ids[rows - 1]) else ids)

    return pipeline.unet.register_forward_pre_hook(sort_rows, with_kwargs=True).remove


def run(case, store, finals):
    pipeline = build(case)
    undo = correct_rows(case, pipeline)
    recorder = Recorder(pipeline, store, action_of(case, pipeline))
    names = list(pipeline._callback_tensor_inputs)
    args = call_arguments(case, pipeline, finals)
    try:
        images = pipeline(**args, callback_on_step_end=recorder, callback_on_step_end_tensor_inputs=names).images
    finally:
        recorder.close()
        undo()
    finals[case["name"]] = recorder.final
    return pipeline, recorder, images


def golden(case, store, finals):
    pipeline, recorder, images = run(case, store, finals)
    entry = {key: value for key, value in case.items() if value is not None}
    entry["scheduler"] = {"id": case["scheduler"][0], "class": SCHEDULERS[case["scheduler"][0]], "config": case["scheduler"][1]}
    entry |= {
        "class": type(pipeline).__name__,
        "numTimesteps": pipeline.num_timesteps,
        "timesteps": recorder.timesteps,
        "timestepDtype": recorder.dtype,
        "unetBatches": recorder.calls,
        "final": store.put(recorder.final),
    }
    if case["record"] == "trace":
        return entry
    if hasattr(pipeline.scheduler, "sigmas"):
        entry["sigmas"] = [float(sigma) for sigma in pipeline.scheduler.sigmas]
    if recorder.embedding is not None:
        entry["guidanceEmbedding"] = store.put(recorder.embedding)
    entry["callback"] = recorder.callback()
    if case["record"] == "all":
        # The last of a batch: what is drawn is told apart by the latents already.
        entry["lastPicture"] = store.put(numpy.asarray(images[-1].convert("RGB")))
    return entry


class OrtUnet:
    """Stands in for a UNet's forward; the modules of a part are shared, so it is taken off again."""

    def __init__(self, unet, name):
        self.unet = unet
        self.session = onnxruntime.InferenceSession(
            str(FIXTURES / "parts" / name / "model.onnx"), providers=["CPUExecutionProvider"]
        )
        unet.forward = self.forward

    def forward(self, sample, timestep, encoder_hidden_states=None, timestep_cond=None, added_cond_kwargs=None, **_):
        feeds = {"sample": sample, "timestep": torch.tensor(float(timestep)), "encoder_hidden_states": encoder_hidden_states}
        feeds |= added_cond_kwargs or {}
        feeds |= {} if timestep_cond is None else {"timestep_cond": timestep_cond}
        return (torch.from_numpy(self.session.run(None, {name: value.numpy() for name, value in feeds.items()})[0]),)

    def close(self):
        del self.unet.forward


def floor(case, finals):
    stand_in = OrtUnet(part(VARIANTS[case["variant"]][0]["unet"]), VARIANTS[case["variant"]][0]["unet"])
    try:
        _, recorder, _ = run(case, Store(), dict(finals))
    finally:
        stand_in.close()
    want = finals[case["name"]]
    return ((recorder.final - want).abs().max() / want.abs().max()).item()


def restore_text_model():
    """diffusers' clip_skip of Stable Diffusion reads `text_encoder.text_model`, which transformers 5 no longer has."""
    if not hasattr(part("text_encoder"), "text_model"):
        transformers.CLIPTextModel.text_model = property(lambda encoder: encoder)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="", help="print the cases whose name has this word; nothing is written")
    parser.add_argument("--floor", action="store_true")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    diffusers.utils.logging.set_verbosity_error()
    torch.set_num_threads(1)
    restore_text_model()
    if args.only == "":
        pictures.write()
    store, finals, entries = Store(), {}, []
    for case in all_cases():
        if args.only not in case["name"] and case["name"] != "sdxl-base-part":
            continue
        begun = time.perf_counter()
        entries.append(golden(case, store, finals))
        text = f"{case['name']}: T {entries[-1]['numTimesteps']}, {time.perf_counter() - begun:.1f} s"
        print(text + (f", floor {floor(case, finals):.1e}" if args.floor else ""), flush=True)
    if args.only != "":
        print(json.dumps(entries, indent=1))
        return
    OUT.mkdir(parents=True, exist_ok=True)
    store.write(OUT / "tensors.bin.gz")
    versions = {module.__name__: module.__version__ for module in (torch, diffusers, transformers, onnxruntime, numpy, PIL)}
    text = ",\n".join(json.dumps(entry) for entry in entries)
    (OUT / "cases.json").write_text(f'{{"madeWith": {json.dumps(versions)},\n"cases": [\n{text}\n]}}\n')
    print(f"{len(entries)} cases, {store.size} bytes of tensors")


if __name__ == "__main__":
    main()
