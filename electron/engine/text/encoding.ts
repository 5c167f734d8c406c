import type { TokenCount } from '../../../shared/job.ts';
import { tensor, type Tensor } from '../tensor/tensor.ts';
import { chunkPrompt, countTokens, emptyChunk, type PromptChunk } from './chunks.ts';
import { LastUsed } from './lastUsed.ts';
import type { EncodedPrompt, EncodeOptions, PromptEncoding, PromptSyntax } from './promptEncoding.ts';
import { readPromptSchedule } from './schedule.ts';
import { pooledName, type TextEncoder } from './textEncoder.ts';
import type { PromptTokenizer } from './tokenizer.ts';
import { applyWeights } from './weighting.ts';

/** A text encoder in its place in a model. */
export interface EncoderPart {
  readonly tokenizer: PromptTokenizer;
  readonly encoder: TextEncoder;
  /**
   * The output taken for the embeddings.
   * @throws StopbathError `INVALID_INPUT` with field `clipSkip` where there is none.
   */
  readonly hiddenOutput: (clipSkip: number) => string;
  /** Whether the model's pooled embedding is this encoder's. */
  readonly givesPooled: boolean;
}

const cacheSize = 32;
/** Counting must not depend on a run's settings. */
const countedSteps = 50;

/** A prompt encoding over one text encoder or two, whose embeddings then stand side by side. */
export function createEncoding(parts: readonly [EncoderPart, ...EncoderPart[]]): PromptEncoding {
  const cache = new LastUsed<EncodedPrompt>(cacheSize);
  const { tokenizer } = parts[0];
  const chunksOf = (text: string, syntax: PromptSyntax): number => chunkPrompt(text, syntax, tokenizer).chunks.length;
  const encode = async (text: string, options: EncodeOptions): Promise<EncodedPrompt> => {
    // diffusers: `prompt_2 or prompt`; with one encoder only the first text counts.
    const second = (options.prompt2 ?? '') === '' ? text : (options.prompt2 ?? text);
    const chunked = parts.map((part, index) => chunkPrompt(index === 0 ? text : second, options.syntax, part.tokenizer));
    const count = Math.max(options.chunks, ...chunked.map(({ chunks }) => chunks.length));
    const embeds: Tensor[] = [];
    let pooled: Tensor | null = null;
    for (const [index, part] of parts.entries()) {
      const answer = await encodeChunks(part, filledUp(chunked[index]?.chunks ?? [], count, part.tokenizer), options);
      embeds.push(answer.hidden);
      pooled = answer.pooled ?? pooled;
    }
    return { embeds: sideBySide(embeds), pooled, count: countTokens(chunked[0] ?? chunkPrompt(text, options.syntax, tokenizer), tokenizer) };
  };
  return {
    async encode(text, options) {
      const key = JSON.stringify([text, options.syntax, options.clipSkip, options.chunks, options.prompt2 ?? null, options.variant ?? '']);
      return cache.get(key) ?? cache.keep(key, await encode(text, options));
    },
    chunksOf,
    count: (text, syntax) => countPrompt(text, syntax, tokenizer),
  };
}

/** Tokens of a text as written; a schedule counts as the longest text it ever takes. */
export function countPrompt(text: string, syntax: PromptSyntax, tokenizer: PromptTokenizer): TokenCount {
  const counts = readPromptSchedule(text, syntax, countedSteps).texts.map((variant) =>
    countTokens(chunkPrompt(variant, syntax, tokenizer), tokenizer),
  );
  return counts.reduce((longest, count) => (lengthOf(count) > lengthOf(longest) ? count : longest));
}

function lengthOf({ chunks, chunkSize, cut }: TokenCount): number {
  return (chunks.length - 1) * chunkSize + (chunks.at(-1) ?? 0) + cut;
}

function filledUp(chunks: readonly PromptChunk[], count: number, tokenizer: PromptTokenizer): readonly PromptChunk[] {
  return [...chunks, ...new Array<PromptChunk>(count - chunks.length).fill(emptyChunk(tokenizer))];
}

/** @returns hidden [1, tokens * chunks, width]; pooled [1, width] of the first chunk */
async function encodeChunks(
  { encoder, tokenizer, hiddenOutput, givesPooled }: EncoderPart,
  chunks: readonly PromptChunk[],
  { syntax, clipSkip }: EncodeOptions,
): Promise<{ hidden: Tensor; pooled: Tensor | null }> {
  const outputs = [hiddenOutput(clipSkip), ...(givesPooled ? [pooledName] : [])];
  // Chunks that are the same are run once: the empty one fills up again and again.
  const answers = new Map<string, Promise<readonly Tensor[]>>();
  const run = (chunk: PromptChunk): Promise<readonly Tensor[]> => {
    const key = chunk.ids.join();
    const answer = answers.get(key) ?? encoder.run(chunk.ids, outputs);
    answers.set(key, answer);
    return answer;
  };
  const hidden: Tensor[] = [];
  let pooled: Tensor | null = null;
  for (const chunk of chunks) {
    const [states, projected] = await run(chunk);
    if (states === undefined) continue;
    pooled ??= projected ?? null;
    hidden.push(await applyWeights(states, chunk.weights, syntax, async () => firstOf(await run(emptyChunk(tokenizer)))));
  }
  return { hidden: oneAfterAnother(hidden), pooled };
}

function firstOf(tensors: readonly Tensor[]): Tensor {
  return tensors[0] ?? tensor([0], new Float32Array());
}

/** [1, a, w] and [1, b, w] to [1, a + b, w]. */
function oneAfterAnother(parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  if (first === undefined || parts.length === 1) return firstOf(parts);
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  let offset = 0;
  for (const part of parts) {
    data.set(part.data, offset);
    offset += part.data.length;
  }
  const width = first.dims[2] ?? 1;
  return tensor([1, data.length / width, width], data);
}

/** [1, tokens, v] and [1, tokens, w] to [1, tokens, v + w]. */
function sideBySide(parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  if (first === undefined || parts.length === 1) return firstOf(parts);
  const tokens = first.dims[1] ?? 0;
  const widths = parts.map((part) => part.data.length / tokens);
  const width = widths.reduce((sum, own) => sum + own, 0);
  const data = new Float32Array(tokens * width);
  let column = 0;
  parts.forEach((part, index) => {
    const own = widths[index] ?? 0;
    for (let token = 0; token < tokens; token++) {
      data.set(part.data.subarray(token * own, (token + 1) * own), token * width + column);
    }
    column += own;
  });
  return tensor([1, tokens, width], data);
}
