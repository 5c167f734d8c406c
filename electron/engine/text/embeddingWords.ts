import type { PromptTokenizer } from './tokenizer.ts';

/** A textual inversion embedding as prompts call it. */
export interface EmbeddingWord {
  readonly name: string;
  /** Id of its first vector; the others follow. */
  readonly firstId: number;
  readonly vectors: number;
}

/**
 * A tokenizer that knows embeddings by name. A1111 (modules/textual_inversion/textual_inversion.py, find_embedding_at_position): wherever the
 * tokens of a name stand, the longest name first. ComfyUI (comfy/sd1_clip.py): `embedding:name`, with or without its ending.
 */
export function withEmbeddings(tokenizer: PromptTokenizer, words: readonly EmbeddingWord[]): PromptTokenizer {
  if (words.length === 0) return tokenizer;
  const named = words.map((word) => ({ word, ids: tokenizer.ids(word.name) })).filter(({ ids }) => ids.length > 0);
  const longestFirst = [...named].sort((a, b) => b.ids.length - a.ids.length);
  const byName = new Map(words.map((word) => [word.name.toLowerCase(), word]));
  const starts = new Map(words.map(({ firstId, vectors }) => [firstId, vectors]));
  return {
    ...tokenizer,
    idsWithEmbeddings: (text, syntax) => (syntax === 'a1111' ? inTokens(tokenizer.ids(text), longestFirst) : inText(text, tokenizer, byName)),
    vectorsFrom: (id) => starts.get(id) ?? 1,
  };
}

function idsOf({ firstId, vectors }: EmbeddingWord): number[] {
  return Array.from({ length: vectors }, (_, index) => firstId + index);
}

function inTokens(ids: readonly number[], named: readonly { readonly word: EmbeddingWord; readonly ids: readonly number[] }[]): number[] {
  const result: number[] = [];
  for (let at = 0; at < ids.length; ) {
    const found = named.find((candidate) => candidate.ids.every((id, index) => ids[at + index] === id));
    result.push(...(found === undefined ? ids.slice(at, at + 1) : idsOf(found.word)));
    at += found?.ids.length ?? 1;
  }
  return result;
}

/** As `embeddingsCalled` of core reads it. A name without a file stays text; core has refused it before. */
function inText(text: string, tokenizer: PromptTokenizer, byName: ReadonlyMap<string, EmbeddingWord>): number[] {
  const result: number[] = [];
  let done = 0;
  for (const match of text.matchAll(/embedding:([^\s,()[\]{}<>:|]+)/gi)) {
    const word = byName.get((match[1] ?? '').replace(/\.(safetensors|pt|bin)$/i, '').toLowerCase());
    if (word === undefined) continue;
    result.push(...tokenizer.ids(text.slice(done, match.index)), ...idsOf(word));
    done = match.index + match[0].length;
  }
  return [...result, ...tokenizer.ids(text.slice(done))];
}
