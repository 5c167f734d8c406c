"""Writes electron/engine/tensor/golden/*.json: normal noise of torch's CPU generator, and of a NumPy port of Philox.

Run: python e2e/parity/make_noise_goldens.py  (packages of requirements.txt)
CPU: torch itself. CUDA: the port below, written from the Random123 paper and curand_normal.h, is first held against the
paper's known answers and against values torch has given on a card (seeds 0, 1, 42), so no card is needed.
"""
import json
import pathlib

import numpy as np
import torch

OUT = pathlib.Path(__file__).resolve().parents[2] / "electron/engine/tensor/golden"

# Draws in a row from one generator; values are kept whole up to 64, else the first 16, the last 20 and every 97th.
CPU = [
    ("0", [(1, 4, 8, 8)]),
    ("1", [(1, 4, 9, 13)]),
    ("2", [(3,), (3,), (3,)]),
    ("3", [(15,), (16,), (1,)]),
    ("4", [(17,), (31,), (33,)]),
    ("5", [(2, 3, 5)]),
    ("6", [(1,), (1, 4, 8, 8), (1,), (2, 4, 3, 3)]),
    ("7", [(1, 4, 16, 16)] * 3),
    ("8", [(3, 7, 11)]),
    ("9", [(1, 1, 1)]),
    ("10", [(5, 5), (7,), (5, 5)]),
    ("123", [(2, 4, 8, 8)]),
    ("1337", [(13,), (14,), (15,), (18,)]),
    ("2024", [(1, 4, 12, 20)]),
    ("65535", [(97,)]),
    ("65536", [(16,)] * 4),
    ("2147483647", [(1, 4, 8, 8), (9,)]),
    ("2147483648", [(1, 4, 8, 8), (9,)]),
    ("4294967295", [(1, 4, 8, 8)]),
    ("4294967296", [(1, 4, 8, 8)]),
    ("9007199254740993", [(1, 4, 8, 8), (3,)]),
    ("12345678901234567890", [(1, 4, 7, 7), (6,)]),
    ("18446744073709551615", [(1, 4, 10, 10), (2,), (1, 4, 10, 10)]),
    ("77", [(625,), (2, 312), (1247,)]),
    ("78", [(1, 16, 6, 6), (11,), (11,), (1, 16, 6, 6)]),
]

# (seed, SMs, threads per SM; 0 SMs: the infinite grid in float64), draws
CUDA = [
    ("0", 0, 0, [(12,), (12,)]),
    ("1", 0, 0, [(1, 4, 9, 13)]),
    ("42", 0, 0, [(1, 4, 64, 64), (7,)]),
    ("42", 0, 0, [(1, 4, 128, 128)]),
    ("18446744073709551615", 0, 0, [(1, 4, 8, 8), (5,)]),
    ("0", 28, 1536, [(12,), (12,)]),
    ("42", 28, 1536, [(1, 4, 128, 128), (1, 4, 128, 128)]),
    ("42", 1, 256, [(4000,), (300,)]),
    ("12345678901234567890", 2, 1024, [(1, 4, 100, 100), (3, 5, 7)]),
    ("4294967296", 1, 2048, [(9001,)]),
    ("7", 3, 700, [(1536,), (1537,), (6144,), (6145,)]),
    ("99", 132, 2048, [(1, 4, 256, 256)]),
]


def kept(values):
    n = len(values)
    at = list(range(n)) if n <= 64 else sorted({*range(16), *range(n - 20, n), *range(0, n, max(97, n // 64))})
    return {"at": at, "values": [float(f"{values[i]:.9g}") for i in at]}


def cpu_rows():
    for seed, draws in CPU:
        generator = torch.Generator().manual_seed(int(seed))
        out = [{"dims": d, **kept(torch.randn(d, generator=generator).flatten().numpy())} for d in draws]
        yield {"seed": seed, "draws": out}


def philox(counter, key):
    """10 rounds of Philox4x32 over arrays of uint64 that hold 32-bit words."""
    mask = np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    c = [np.asarray(word, np.uint64) for word in counter]
    k = [int(word) for word in key]
    for _ in range(10):
        p0 = c[0] * np.uint64(0xD2511F53)
        p1 = c[2] * np.uint64(0xCD9E8D57)
        c = [
            (p1 >> shift) ^ c[1] ^ np.uint64(k[0]),
            p1 & mask,
            (p0 >> shift) ^ c[3] ^ np.uint64(k[1]),
            p0 & mask,
        ]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def pair(a, b, dtype):
    """curand's _curand_box_muller, computed in `dtype`."""
    inverse = 2.0**-32
    inverse_2pi = float(np.float32(inverse) * np.float32(6.2831855))
    u = (a.astype(dtype).astype(np.float64) * inverse + inverse / 2).astype(dtype)
    v = (b.astype(dtype).astype(np.float64) * inverse_2pi + inverse_2pi / 2).astype(dtype)
    radius = np.sqrt(dtype(-2) * np.log(u))
    return (radius * np.sin(v)).astype(np.float32), (radius * np.cos(v)).astype(np.float32)


class Cuda:
    def __init__(self, seed, sms, threads_per_sm):
        self.key = (int(seed) & 0xFFFFFFFF, int(seed) >> 32)
        self.room = sms * (threads_per_sm // 256)
        self.dtype = np.float32 if sms else np.float64
        self.block = 0

    def randn(self, dims):
        n = int(np.prod(dims))
        threads = 256 * min((n + 255) // 256, self.room) if self.room else n
        out = np.zeros(-(-n // (4 * threads)) * 4 * threads, np.float32)
        for loop in range(len(out) // (4 * threads)):
            index = np.arange(threads, dtype=np.uint64)
            zero = np.zeros(threads, np.uint64)
            a, b, c, d = philox((zero + np.uint64(self.block), zero, index, zero), self.key)
            out[loop * 4 * threads:(loop + 1) * 4 * threads] = np.concatenate([*pair(a, b, self.dtype), *pair(c, d, self.dtype)])
            self.block += 1
        return out[:n]


def check_port():
    """Known answers of Random123's kat_vectors, and what torch gave on cards."""
    known = [
        ((0,) * 4, (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0), (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
    ]
    for counter, key, answer in known:
        assert tuple(int(word[0]) for word in philox([[word] for word in counter], key)) == answer
    card = {"0": [-0.924662, -0.425344, -2.643846, 0.145184, -0.120866, -0.579726], "1": [-0.296278, 2.676448, -0.140846], "42": [0.194019, 2.161374, -0.172051, 0.849060]}
    for seed, start in card.items():
        for sms in (0, 28):
            assert np.abs(Cuda(seed, sms, 1536).randn((16384,))[:len(start)] - np.float32(start)).max() < 2e-6
    large = Cuda("42", 28, 1536).randn((65536,))[43008], Cuda("42", 0, 0).randn((65536,))[43008]
    assert abs(large[0] + 0.970190) < 2e-6 and abs(large[1] + 0.337038) < 2e-6


def cuda_rows():
    for seed, sms, threads_per_sm, draws in CUDA:
        generator = Cuda(seed, sms, threads_per_sm)
        out = [{"dims": d, **kept(generator.randn(d))} for d in draws]
        yield {"seed": seed, "sms": sms, "threadsPerSm": threads_per_sm, "draws": out}


if __name__ == "__main__":
    check_port()
    OUT.mkdir(exist_ok=True)
    about = f"torch {torch.__version__}, NumPy {np.__version__}, by e2e/parity/make_noise_goldens.py"
    for name, rows in (("cpu.json", cpu_rows()), ("cuda.json", cuda_rows())):
        lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
        (OUT / name).write_text(f'{{"about": {json.dumps(about)}, "rows": [\n{lines}\n]}}\n')
