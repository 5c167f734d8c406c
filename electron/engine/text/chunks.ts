import { assertNever } from '../../../shared/errors.ts';
import type { TokenCount } from '../../../shared/job.ts';
import type { PromptSyntax } from './promptEncoding.ts';
import { parseA1111 } from './syntax/a1111.ts';
import { parseComfy } from './syntax/comfy.ts';
import { isBreak, type PromptPiece } from './syntax/promptPiece.ts';
import type { PromptTokenizer } from './tokenizer.ts';

/** What a text encoder takes at once. */
export interface PromptChunk {
  /** begin, text, end, padding: as many as the tokenizer's `length`. */
  readonly ids: readonly number[];
  /** One for every id. */
  readonly weights: readonly number[];
  /** Ids of the text among them. */
  readonly used: number;
}

export interface ChunkedPrompt {
  /** At least one. */
  readonly chunks: readonly PromptChunk[];
  /** Ids that did not fit; only `plain` cuts. */
  readonly cut: readonly number[];
}

interface WeightedId {
  readonly id: number;
  readonly weight: number;
}

/** A text as the chunks its syntax makes of it. */
export function chunkPrompt(text: string, syntax: PromptSyntax, tokenizer: PromptTokenizer): ChunkedPrompt {
  switch (syntax) {
    case 'plain': {
      const ids = tokenizer.plainIds(text);
      const room = tokenizer.length - 2;
      return { chunks: [closeChunk(weighted(ids.slice(0, room), 1), tokenizer)], cut: ids.slice(room) };
    }
    case 'a1111':
      return { chunks: chunkA1111(parseA1111(text), tokenizer).map((ids) => closeChunk(ids, tokenizer)), cut: [] };
    case 'comfy':
      return { chunks: chunkComfy(parseComfy(text), tokenizer).map((ids) => closeChunk(ids, tokenizer)), cut: [] };
    default:
      return assertNever(syntax);
  }
}

export function emptyChunk(tokenizer: PromptTokenizer): PromptChunk {
  return closeChunk([], tokenizer);
}

export function countTokens({ chunks, cut }: ChunkedPrompt, tokenizer: PromptTokenizer): TokenCount {
  return {
    chunks: chunks.map(({ used }) => used),
    chunkSize: tokenizer.length - 2,
    cut: cut.length,
    cutText: tokenizer.decode(cut),
  };
}

/** A1111's setting "comma padding backtrack", as it stands by default. */
const commaReach = 20;

/**
 * modules/sd_hijack_clip.py, tokenize_line: a full chunk gives what follows its last comma to the next one when that comma
 * lies at most 20 tokens back; a BREAK ends the chunk, an empty one too.
 */
function chunkA1111(pieces: readonly PromptPiece[], tokenizer: PromptTokenizer): WeightedId[][] {
  const room = tokenizer.length - 2;
  const chunks: WeightedId[][] = [];
  let chunk: WeightedId[] = [];
  let comma = -1;
  const close = (kept: WeightedId[], next: WeightedId[]): void => {
    chunks.push(kept);
    chunk = next;
    comma = -1;
  };
  for (const piece of pieces) {
    if (isBreak(piece)) {
      close(chunk, []);
      continue;
    }
    for (const next of weighted(idsOf(piece.text, 'a1111', tokenizer), piece.weight)) {
      if (next.id === tokenizer.comma) comma = chunk.length;
      else if (chunk.length === room && comma !== -1 && room - comma <= commaReach) {
        close(chunk.slice(0, comma + 1), chunk.slice(comma + 1));
      }
      if (chunk.length === room || chunk.length + (tokenizer.vectorsFrom?.(next.id) ?? 1) > room) close(chunk, []);
      chunk.push(next);
    }
  }
  if (chunk.length > 0 || chunks.length === 0) chunks.push(chunk);
  return chunks;
}

/** comfy/sd1_clip.py, SDTokenizer.max_word_length: shorter runs of one weight are not torn apart by a chunk's end. */
const largeRun = 8;

/** comfy/sd1_clip.py, SDTokenizer.tokenize_with_weights. A run is a piece of one weight, not a word. */
function chunkComfy(pieces: readonly PromptPiece[], tokenizer: PromptTokenizer): WeightedId[][] {
  const room = tokenizer.length - 2;
  let chunk: WeightedId[] = [];
  const chunks = [chunk];
  for (const piece of pieces) {
    let run = weighted(idsOf(piece.text, 'comfy', tokenizer), piece.weight);
    const isLarge = run.length >= Math.min(largeRun, room);
    while (run.length + chunk.length > room) {
      const fits = isLarge ? room - chunk.length : 0;
      chunk.push(...run.slice(0, fits));
      run = run.slice(fits);
      chunks.push((chunk = []));
    }
    chunk.push(...run);
  }
  return chunks;
}

function idsOf(text: string, syntax: 'a1111' | 'comfy', tokenizer: PromptTokenizer): readonly number[] {
  return tokenizer.idsWithEmbeddings?.(text, syntax) ?? tokenizer.ids(text);
}

function weighted(ids: readonly number[], weight: number): WeightedId[] {
  return ids.map((id) => ({ id, weight }));
}

function closeChunk(text: readonly WeightedId[], { begin, end, padding, length }: PromptTokenizer): PromptChunk {
  const rest = length - 2 - text.length;
  return {
    ids: [begin, ...text.map(({ id }) => id), end, ...new Array<number>(rest).fill(padding)],
    weights: [1, ...text.map(({ weight }) => weight), 1, ...new Array<number>(rest).fill(1)],
    used: text.length,
  };
}
