"""Trains the byte-level BPE vocabulary in CLIP's form and encodes captions for training.

The vocabulary is written as `vocab.json` and `merges.txt`; export.py loads these with the CLIP tokenizer of
`transformers` and checks that it gives the same ids as this file.
"""

import argparse
import collections
import json
import random
from pathlib import Path

import regex

from captions import caption, full_caption
from scenes import sample_scene

START, END = "<|startoftext|>", "<|endoftext|>"
LENGTH = 77
PIECES = regex.compile(
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", regex.IGNORECASE
)


def byte_symbols():
    """GPT-2's printable stand-in for every byte."""
    printable = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    symbols, extra = {byte: chr(byte) for byte in printable}, 0
    for byte in range(256):
        if byte not in symbols:
            symbols[byte] = chr(256 + extra)
            extra += 1
    order = printable + [byte for byte in range(256) if byte not in printable]
    return {byte: symbols[byte] for byte in order}


SYMBOLS = byte_symbols()


def merge_pair(parts, pair):
    """Joins every occurrence of a pair of neighbours."""
    merged, index = [], 0
    while index < len(parts):
        if tuple(parts[index : index + 2]) == pair:
            merged.append(parts[index] + parts[index + 1])
            index += 2
        else:
            merged.append(parts[index])
            index += 1
    return merged


def word_parts(word):
    """The symbols of a word's bytes, the last one marked as the end of the word."""
    parts = [SYMBOLS[byte] for byte in word.encode()]
    parts[-1] += "</w>"
    return parts


def train(texts, most_merges):
    """Learns merges until every word is one token or the limit is reached; returns (vocabulary, merges)."""
    counts = collections.Counter(word for text in texts for word in PIECES.findall(text.lower()))
    words = {word: word_parts(word) for word in counts}
    merges = []
    while len(merges) < most_merges:
        pairs = collections.Counter()
        for word, parts in words.items():
            for pair in zip(parts, parts[1:]):
                pairs[pair] += counts[word]
        if not pairs:
            break
        best = max(pairs.items(), key=lambda item: (item[1], item[0]))[0]
        merges.append(best)
        words = {word: merge_pair(parts, best) for word, parts in words.items()}
    singles = list(SYMBOLS.values())
    entries = singles + [single + "</w>" for single in singles] + [a + b for a, b in merges] + [START, END]
    return {entry: index for index, entry in enumerate(entries)}, merges


class Tokenizer:
    """Encodes text as CLIP does: lower case, start token, words, end token, padding with the end token."""

    def __init__(self, folder):
        self.vocabulary = json.loads((Path(folder) / "vocab.json").read_text("utf-8"))
        lines = (Path(folder) / "merges.txt").read_text("utf-8").splitlines()[1:]
        self.ranks = {tuple(line.split(" ")): rank for rank, line in enumerate(lines) if line}
        self.start, self.end = self.vocabulary[START], self.vocabulary[END]
        self.cache = {}

    def word(self, word):
        """Ids of one word."""
        if word not in self.cache:
            parts = word_parts(word)
            while len(parts) > 1:
                best = min(zip(parts, parts[1:]), key=lambda pair: self.ranks.get(pair, 1e9))
                if best not in self.ranks:
                    break
                parts = merge_pair(parts, best)
            self.cache[word] = [self.vocabulary[part] for part in parts]
        return self.cache[word]

    def __call__(self, text):
        """77 ids."""
        ids = [index for word in PIECES.findall(text.lower()) for index in self.word(word)]
        ids = [self.start] + ids[: LENGTH - 2] + [self.end]
        return ids + [self.end] * (LENGTH - len(ids))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    rng = random.Random(0)
    texts = []
    for _ in range(20_000):
        scene = sample_scene(rng)
        texts += [caption(rng, scene), full_caption(scene)]
    vocabulary, merges = train(texts, 600)
    folder = options.work / "tokenizer"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), "utf-8")
    lines = "".join(f"{a} {b}\n" for a, b in merges)
    (folder / "merges.txt").write_text("#version: 0.2\n" + lines, "utf-8")
    tokenizer = Tokenizer(folder)
    lengths = [tokenizer(text).index(tokenizer.end) + 1 for text in texts]
    print(f"{len(vocabulary)} entries, {len(merges)} merges, longest caption {max(lengths)} tokens")


if __name__ == "__main__":
    main()
