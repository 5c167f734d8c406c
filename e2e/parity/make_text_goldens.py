"""Writes electron/engine/text/golden/*.json: python make_text_goldens.py --webui DIR --comfyui DIR

DIR are checkouts of AUTOMATIC1111/stable-diffusion-webui (prompt_parser.py as of 28bd8e1) and Comfy-Org/ComfyUI (sd1_clip.py
as of 443393b). Their own functions are run, with stand-ins for what those files import around them. Needs torch, transformers,
diffusers and lark 1.3.1 beside requirements.txt.
"""

import argparse
import json
import math
import pathlib
import random
import re
import sys
import types

import torch
from transformers import CLIPTokenizer

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
GOLDEN = ROOT / "electron/engine/text/golden"
TOKENIZER = ROOT / "assets/starter/tokenizer"

EMPHASIS = [
    "normal text",
    "an (important) word",
    "(unbalanced",
    r"\(literal\]",
    "(unnecessary)(parens)",
    "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
    "",
    "BREAK",
    "one BREAK two\nBREAK  three",
    "(one BREAK two:1.2)",
    "(BREAK:1)",
    "BREAKfast BREAK_ \u00e9BREAK",
    r"back\\slash \x trailing \ ",
    "ends in \\",
    "(a: 1.5 ) (b:-1) (c:+.5) (d:2.)",
    "a:1.3) b] c)",
    "((a) [b [c:1.2] (d:0.7)",
    "[x] [[y]] ([z])",
    "(a:1.1)(b:1.1) (c)",
    "time 10:30 (at:10:1.4)",
    "(:1.2) () []",
    "(a:1.2(b:1.3))",
]
SCHEDULES = [
    "test", "a [b:3]", "a [b: 3]", "a [[[b]]:2]", "[(a:2):3]", "a [b : c : 1] d", "a[b:[c:d:2]:1]e", "a [unbalanced",
    "a [b:.5] c", "a [{b|d{:.5] c", "((a][:b:c [d:3]", "[a|(b:1.1)]", "[fe|]male", "[fe|||]male", "[a|b|c] and [d|e]",
    "[a:b:0]", "[a:b:0.05]", "[a:b:1.0]", "[a:b:1.5]", "[a:b:12]", "[a:b:-1]", "[a:b:1e0]", "[a:b:4.]", "[a:b:+2]",
    "[a::3]", "[:b:3]", "[::3]", "[:3]", "[a:b]", "[a:b:c]", "[a:b:c:3]", "[[a|b]:c:4]", "[a:[b|c]:0.5]", "([a:b:2]:1.3)",
    "(a:b:c) [d:2]", "(a|b) [c:2]", "a | b [c:2]", "a : b [c:2]", r"\[a:b:2\] [c:3]", "[a\\:b:c:2]", "[a:b:2 ] x", "[a: b :\t2\n]",
    "a\\", "[a:2]\\", "[a:2] \\\n", "[ [a:2] (b [c:3]", "(x [a:2]", "[a (b:2] c)", "[a (b] c:2]", "[(a] b):2]", "x] [a:2] )(", "[]", "[|]", "[a|b:2]",
    "", " ", "[[[[a:b:1]:c:2]:d:3]:e:4]", "one [two:three:5], (four [five|six]:1.2) BREAK seven",
]  # fmt: skip
LONG = "a red house with a blue roof, " * 9
CHUNKS = [
    "",
    "a (house:1.3) by the [sea]",
    "one BREAK two BREAK",
    "red " * 75,
    "red " * 76,
    LONG,
    "red " * 60 + ", " + "blue " * 14 + "green, " + "white " * 30,
    "red " * 55 + ", " + "blue " * 40,
    "red " * 54 + ", " + "blue " * 40,
    "red " * 75 + ", blue",
    "red " * 74 + ", blue",
    "red " * 70 + "(blue green white black yellow grey pink:1.2) end",
    "red " * 70 + "(blue green white black yellow grey pink brown:0.8) end",
    "(a (b:0.5) c) \\(d\\) (e:1e-1) (f:x) (g:) (:1.4)",
    "a) (b) ((c) d (e))",
    "(a (b)",
    "((((a))",
    "foo ((((lol (cat:666) attack:100)))) baz",
    "foo ((((lol (cat:666) attack):100))) baz",
    "[a:b:3] BREAK (c)",
]
WEIGHTED = ["a (house:1.3) by the [sea]", "(red " + "red " * 80 + ":0.7), (blue:1.5) sky", "(a:0) (b:-1)", "plain text"]


def stub(name, **members):
    module = types.ModuleType(name)
    for key, value in members.items():
        setattr(module, key, value)
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)
    return module


def load_webui(folder):
    sys.path.insert(0, str(folder))
    stub("modules", __path__=[str(folder / "modules")])
    stub("modules.devices", device="cpu", cpu="cpu", torch_npu_set_device=lambda: None)
    stub("modules.sd_hijack", model_hijack=None)
    options = types.SimpleNamespace(emphasis="Original", comma_padding_backtrack=20, use_old_scheduling=False)
    stub("modules.shared", opts=options)
    from modules import prompt_parser, sd_hijack_clip

    return prompt_parser, sd_hijack_clip


def load_comfyui(folder):
    stub("comfy", __path__=[str(folder / "comfy")])
    stub("comfy.ops")
    stub("comfy.model_management", intermediate_device=lambda: "cpu")
    stub("comfy.clip_model", CLIPTextModel=object)
    from comfy import sd1_clip

    return sd1_clip


def embed(ids, width=6):
    """A text encoder everyone can work out: position and neighbours count."""
    rows = []
    for row in ids:
        rows.append(
            [
                [0.2 + math.sin(0.1 * token + 0.7 * place + 1.3 * column) for column in range(width)]
                for place, token in enumerate(row)
            ]
        )
    return torch.tensor(rows, dtype=torch.float32)


def webui_embedder(module, tokenizer, pad):
    class Embedder(module.FrozenCLIPEmbedderWithCustomWordsBase):
        def __init__(self):
            database = types.SimpleNamespace(find_embedding_at_position=lambda tokens, position: (None, None))
            super().__init__(None, types.SimpleNamespace(embedding_db=database, fixes=None))
            self.id_start, self.id_end, self.id_pad = tokenizer.bos_token_id, tokenizer.eos_token_id, pad
            self.comma_token = tokenizer.get_vocab().get(",</w>")

        def tokenize(self, texts):
            return tokenizer(texts, truncation=False, add_special_tokens=False)["input_ids"]

        def encode_with_transformers(self, tokens):
            return embed(tokens.tolist())

    return Embedder()


def schedule_texts(parser, prompt, steps):
    """The text of every model call, by reconstruct_cond_batch's rule and the denoiser's counter, which begins at 0."""
    entries = parser.get_learned_conditioning_prompt_schedules([prompt], steps)[0]
    return [next(text for end, text in entries if step <= end) for step in range(steps)]


def compact(texts):
    known = list(dict.fromkeys(texts))
    return {"texts": known, "at": [known.index(text) for text in texts]}


WEBUI_PIECES = ["a", "b", " ", "[", "[", "]", "]", "(", ")", ":", ":", "|", "2", ":3]", ":.5]", "\\[", "[c:"]
COMFY_PIECES = ["a", "b", " ", "(", "(", "(", ")", ")", ")", ":", ":1.2)", ":2 )", ":-.5)", ":1e-1)", "\\(", "\\)", "[c]"]


def fuzzed(count, pieces=WEBUI_PIECES):
    random_ = random.Random(7)
    texts = ["".join(random_.choice(pieces) for _ in range(random_.randint(3, 14))) for _ in range(count)]
    # A schedule with two stray brackets or colons right behind it can be read in two ways; which one Lark takes follows no rule.
    return [text for text in texts if re.search(r"(2|3|\.5)\s*\][\[\]():]{2}", text) is None]


def weighted(comfy, text):
    pieces = comfy.token_weights(comfy.escape_important(text), 1.0)
    return [[comfy.unescape_important(piece), weight] for piece, weight in pieces]


def grammar(parser, comfy):
    schedules = [{"text": text, "steps": 10, **compact(schedule_texts(parser, text, 10))} for text in SCHEDULES]
    for text in fuzzed(700):
        schedules.append({"text": text, "steps": 5, **compact(schedule_texts(parser, text, 5))})
    return {
        "emphasis": [{"text": text, "pieces": parser.parse_prompt_attention(text)} for text in EMPHASIS + fuzzed(150)],
        "comfy": [{"text": text, "pieces": weighted(comfy, text)} for text in EMPHASIS + fuzzed(300, COMFY_PIECES)],
        "schedules": schedules,
    }


def chunked_webui(embedder, text):
    chunks, _ = embedder.tokenize_line(text)
    return [{"ids": chunk.tokens, "weights": chunk.multipliers} for chunk in chunks]


def runs(values):
    """[value, how many] in a row."""
    out = []
    for value in values:
        if out and out[-1][0] == value:
            out[-1][1] += 1
        else:
            out.append([value, 1])
    return out


def short(chunks):
    return [{"ids": runs(chunk["ids"]), "weights": runs(chunk["weights"])} for chunk in chunks]


def chunks_golden(webui, comfy, tokenizer):
    embedder = webui_embedder(webui, tokenizer, tokenizer.eos_token_id)
    comfy_tokenizer = comfy.SDTokenizer(str(TOKENIZER))
    a1111 = [{"text": text, "chunks": short(chunked_webui(embedder, text))} for text in CHUNKS]
    rows = []
    for text in CHUNKS:
        pairs = comfy_tokenizer.tokenize_with_weights(text)
        chunks = [{"ids": [t for t, _ in row], "weights": [w for _, w in row]} for row in pairs]
        rows.append({"text": text, "chunks": short(chunks)})
    return {"a1111": a1111, "comfy": rows}


def samples(tensor):
    """Enough of a [1, tokens, width] tensor to know it by."""
    flat = tensor.reshape(-1).double()
    return {
        "dims": list(tensor.shape),
        "sum": flat.sum().item(),
        "sumOfSquares": (flat * flat).sum().item(),
        "first": [round(value, 7) for value in flat[:8].tolist()],
        "every97th": [round(value, 7) for value in flat[::97].tolist()],
    }


def weighting_golden(webui, comfy, tokenizer):
    out = []
    for pad in (tokenizer.eos_token_id, 0):
        embedder = webui_embedder(webui, tokenizer, pad)
        comfy_tokenizer = comfy.SDTokenizer(str(TOKENIZER), pad_token=pad)

        class Encoder(comfy.ClipTokenWeightEncoder):
            special_tokens = {"start": tokenizer.bos_token_id, "end": tokenizer.eos_token_id, "pad": pad}

            def encode(self, tokens):
                return embed(tokens), None

        for text in WEIGHTED:
            chunks, _ = embedder.tokenize_line(text)
            states = [embedder.process_tokens([chunk.tokens], [chunk.multipliers]) for chunk in chunks]
            comfy_states, _ = Encoder().encode_token_weights(comfy_tokenizer.tokenize_with_weights(text))
            out.append({"text": text, "pad": pad, "a1111": samples(torch.hstack(states)), "comfy": samples(comfy_states)})
    return out


def cut_golden(tokenizer):
    out = []
    for text in ["a red house, " * 30, "x " * 75, "x " * 76, "it's " * 60 + "d\u00e9j\u00e0-vu \u96ea\U0001f642 1987!"]:
        whole = tokenizer(text, padding="longest", return_tensors="pt").input_ids
        cut = tokenizer.batch_decode(whole[:, tokenizer.model_max_length - 1 : -1])[0] if whole.shape[-1] > 77 else ""
        out.append({"text": text, "cut": max(0, whole.shape[-1] - 77), "cutText": cut})
    return out


def encoders_golden():
    """diffusers' own encode_prompt on the tiny models' text encoders."""
    sys.path.insert(0, str(HERE / "tiny"))
    from diffusers import StableDiffusionPipeline, StableDiffusionXLImg2ImgPipeline, StableDiffusionXLPipeline
    from models import SD_SCHEDULER, part
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler.from_config(SD_SCHEDULER)
    sd = StableDiffusionPipeline(
        part("vae"), part("text_encoder"), part("tokenizer"), part("unet_sd"), scheduler, None, None, requires_safety_checker=False
    )
    second = (part("text_encoder_2"), part("tokenizer_2"))
    xl = StableDiffusionXLPipeline(
        part("vae_xl"), part("text_encoder_xl"), second[0], part("tokenizer"), second[1], part("unet_xl"), scheduler
    )
    refiner = StableDiffusionXLImg2ImgPipeline(
        part("vae_xl"), None, second[0], None, second[1], part("unet_xl_refiner"), scheduler, requires_aesthetics_score=True
    )
    out = []
    with torch.no_grad():
        for text in ["a red house", "", "a red house, " * 30]:
            embeds = sd.encode_prompt(text, "cpu", 1, False)[0]
            out.append({"family": "sd", "text": text, "clipSkip": 0, "prompt2": None, "embeds": samples(embeds)})
            for family, pipeline in (("sdxl", xl), ("refiner", refiner)):
                for skip, other in ((0, None), (1, None), (2, "blue"), (0, "")):
                    embeds, _, pooled, _ = pipeline.encode_prompt(
                        text, other, device="cpu", do_classifier_free_guidance=False, clip_skip=skip or None
                    )
                    out.append(
                        {
                            "family": family,
                            "text": text,
                            "clipSkip": skip,
                            "prompt2": other,
                            "embeds": samples(embeds),
                            "pooled": samples(pooled),
                        }
                    )
    return out


def dump(name, value):
    GOLDEN.mkdir(parents=True, exist_ok=True)
    if isinstance(value, list):
        text = "[\n" + ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in value) + "\n]\n"
    else:
        parts = []
        for key, entries in value.items():
            lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
            parts.append(f"{json.dumps(key)}: [\n{lines}\n]")
        text = "{\n" + ",\n".join(parts) + "\n}\n"
    (GOLDEN / name).write_text(text)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--webui", type=pathlib.Path, required=True)
    options.add_argument("--comfyui", type=pathlib.Path, required=True)
    arguments = options.parse_args()
    parser, webui = load_webui(arguments.webui)
    sys.path.insert(0, str(arguments.comfyui))
    comfy = load_comfyui(arguments.comfyui)
    tokenizer = CLIPTokenizer.from_pretrained(str(TOKENIZER))
    dump("grammar.json", grammar(parser, comfy))
    dump("chunks.json", chunks_golden(webui, comfy, tokenizer))
    dump("weighting.json", weighting_golden(webui, comfy, tokenizer))
    dump("cut.json", cut_golden(tokenizer))
    dump("encoders.json", encoders_golden())


if __name__ == "__main__":
    main()
