"""Ids that transformers' CLIPTokenizer gives texts with CLIP's own vocabulary: python make_token_goldens.py

vocab.json and merges.txt are derived here from the list of merges as openai/CLIP's SimpleTokenizer does it, by its own code.
Writes fixtures/tokens.json.
"""

import gzip
import hashlib
import json
import pathlib
import tempfile

from transformers import CLIPTokenizer

HERE = pathlib.Path(__file__).parent
LIST = HERE.parents[1] / "assets/tokenizers/clip/bpe_simple_vocab_16e6.txt.gz"
TEXTS = [
    "a photograph of an astronaut riding a horse",
    "masterpiece, best quality, 1girl, (long hair:1.2), <lora:x:0.8>",
    "An oil painting by Vincent van Gogh, c. 1889; swirling sky!!! 8k, --ar 16:9",
    "it's they're we've I'm you'll he'd 's",
    "naïve café résumé Ångström ﬁne",
    "日本の春、桜の木の下で",
    "Красная площадь зимой",
    "مدينة قديمة",
    "👩‍🚀🚀 on the 🌙",
    "  many   spaces\tand\nlines  ",
    "supercalifragilisticexpialidocious antidisestablishmentarianism",
    "3.14159 2^10=1024 50% $9.99 #tag @user a_b-c/d\\e",
    "<|startoftext|> in the middle <|endoftext|>",
    "ALL CAPS And MiXeD",
    "٣ ½ Ⅷ ² ﷺ",
    "",
    "!",
    "a,b,c , d",
]


def bytes_to_unicode():
    bs = list(range(ord("!"), ord("~") + 1)) + list(range(ord("¡"), ord("¬") + 1)) + list(range(ord("®"), ord("ÿ") + 1))
    cs = bs[:]
    n = 0
    for b in range(2**8):
        if b not in bs:
            bs.append(b)
            cs.append(2**8 + n)
            n += 1
    return dict(zip(bs, [chr(n) for n in cs], strict=True))


def vocabulary():
    merges = gzip.open(LIST).read().decode("utf-8").split("\n")
    merges = [tuple(merge.split()) for merge in merges[1 : 49152 - 256 - 2 + 1]]
    vocab = list(bytes_to_unicode().values())
    vocab = vocab + [v + "</w>" for v in vocab]
    for merge in merges:
        vocab.append("".join(merge))
    vocab.extend(["<|startoftext|>", "<|endoftext|>"])
    return {token: index for index, token in enumerate(vocab)}, merges


def main():
    vocab, merges = vocabulary()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "vocab.json").write_text(json.dumps(vocab))
        (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(" ".join(merge) for merge in merges) + "\n")
        special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}
        (folder / "tokenizer_config.json").write_text(json.dumps({**special, "tokenizer_class": "CLIPTokenizer", "model_max_length": 77}))
        tokenizer = CLIPTokenizer.from_pretrained(name)
    order = "\n".join(vocab).encode()
    result = {
        "vocabularySha256": hashlib.sha256(order).hexdigest(),
        "texts": [{"text": text, "ids": tokenizer(text, add_special_tokens=False)["input_ids"]} for text in TEXTS],
    }
    lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in result["texts"])
    (HERE / "fixtures/tokens.json").write_text(f'{{"vocabularySha256": "{result["vocabularySha256"]}",\n"texts": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
