"""Keeps what a pipeline run shows: its UNet calls, what the step-end callback is given, latents and pixels."""

import gzip
import hashlib

import numpy as np
import torch


class Store:
    """One gzipped file of raw little-endian values; equal tensors are kept once."""

    def __init__(self):
        self.chunks, self.size, self.seen = [], 0, {}

    def put(self, value):
        """@returns where it lies: byte offset, sides, and `f32` or `u8`"""
        array = value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
        kind = "u8" if array.dtype == np.uint8 else "f32"
        data = array.astype("<f4" if kind == "f32" else "u1").tobytes()
        key = hashlib.sha256(data).digest()
        if key not in self.seen:
            self.seen[key] = self.size
            padding = b"\0" * (-len(data) % 4)
            self.chunks.append(data + padding)
            self.size += len(data) + len(padding)
        return {"at": self.seen[key], "dims": list(array.shape), "type": kind}

    def write(self, path):
        path.write_bytes(gzip.compress(b"".join(self.chunks), mtime=0))


def dtype_name(tensor):
    return str(tensor.dtype).removeprefix("torch.")


class Recorder:
    """Hooks on one pipeline for one call."""

    def __init__(self, pipeline, store, action):
        self.pipeline, self.store, self.action = pipeline, store, action
        self.calls, self.steps, self.timesteps, self.order = [], [], [], None
        self.embedding, self.final, self.dtype = None, None, None
        self.hook = pipeline.unet.register_forward_pre_hook(self.before_unet, with_kwargs=True)

    def before_unet(self, _, args, kwargs):
        sample, timestep = args[0], args[1]
        self.calls.append(sample.shape[0])
        self.embedding = kwargs.get("timestep_cond")
        self.timesteps.append(float(timestep))
        self.dtype = dtype_name(timestep)

    def __call__(self, pipeline, index, timestep, tensors):
        self.order = list(tensors)
        self.steps.append({name: None if value is None else value.clone() for name, value in tensors.items()})
        changed = self.action(pipeline, index, timestep, tensors) or {}
        self.final = changed.get("latents", tensors["latents"]).clone()
        return changed

    def close(self):
        self.hook.remove()

    def callback(self):
        """Names in order with dtype and, per step, the value; one value alone when it never changes."""
        result = {}
        for name in self.order:
            values = [step[name] for step in self.steps]
            if all(value is None for value in values):
                result[name] = None
                continue
            same = all(torch.equal(value, values[0]) for value in values[1:] if value.shape == values[0].shape)
            same = same and len({value.shape for value in values}) == 1
            refs = [self.store.put(value) for value in (values[:1] if same else values)]
            result[name] = {"dtype": dtype_name(values[0]), "values": refs}
        return result
