"""Weights by formula: the same numbers from a tensor's name in Python and in TypeScript (formula.ts), exact in float16 and bfloat16.

So whole checkpoints need not be stored: a list of names and shapes is enough.
"""

import math

import numpy


def seed_of(name):
    """FNV-1a of the name."""
    value = 0x811C9DC5
    for byte in name.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def noise(name, count):
    """Whole numbers below 2^24 that look random: murmur3's last mixing of seed + index."""
    x = numpy.arange(count, dtype=numpy.uint32) + numpy.uint32(seed_of(name))
    x ^= x >> numpy.uint32(16)
    x *= numpy.uint32(0x85EBCA6B)
    x ^= x >> numpy.uint32(13)
    x *= numpy.uint32(0xC2B2AE35)
    x ^= x >> numpy.uint32(16)
    return (x >> numpy.uint32(8)).astype(numpy.int64)


def values(name, shape):
    """float32 of that shape. Vectors are small, around 1 for the weights of norms; matrices keep the size of what goes through."""
    count = math.prod(shape)
    drawn = noise(name, count)
    if len(shape) == 1:
        base = 1.0 if name.endswith("weight") else 0.0
        return (base + (drawn % 31 - 15) / 128).astype(numpy.float32).reshape(shape)
    fan_in = 12 if "embedding.weight" in name or name.endswith("positional_embedding") else math.prod(shape[1:])
    scale = 2.0 ** round(math.log2(math.sqrt(3 / fan_in)))
    return ((drawn % 511 - 255) / 256 * scale).astype(numpy.float32).reshape(shape)
