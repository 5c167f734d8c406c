import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { StopbathError } from '../../../shared/errors.ts';
import { clipTokenizerJson } from './clipTokenizer.ts';

const tokenSchema = z.union([z.string(), z.object({ content: z.string() }).transform((token) => token.content)]);
const tokensSchema = z.object({
  bos_token: tokenSchema.optional(),
  eos_token: tokenSchema.optional(),
  pad_token: tokenSchema.optional(),
  model_max_length: z.number().optional(),
});

export interface TokenizedPrompt {
  /** Exactly as many as the model takes: begin, text, end, padding. */
  readonly ids: readonly number[];
  /** Tokens of the text that did not fit. */
  readonly truncated: number;
}

export interface PromptTokenizer {
  readonly vocabularySize: number;
  tokenize(text: string): TokenizedPrompt;
}

const clipLength = 77;

/**
 * The tokenizer of a model folder: `tokenizer.json`, or else `vocab.json` and `merges.txt`.
 * @throws StopbathError `MODEL_TOKENIZER` naming what is missing or unreadable.
 */
export async function loadTokenizer(folder: string): Promise<PromptTokenizer> {
  const config = tokensSchema.safeParse({
    ...(await readOptionalJson(join(folder, 'special_tokens_map.json'))),
    ...(await readOptionalJson(join(folder, 'tokenizer_config.json'))),
  });
  if (!config.success) throw tokenizerError('tokenizer_config.json is not readable.', z.prettifyError(config.error));
  const { bos_token: bos = '<|startoftext|>', eos_token: eos = '<|endoftext|>', pad_token: pad = eos } = config.data;
  const inner = await buildTokenizer(folder, bos, eos);
  const idOf = (token: string): number => {
    const id = inner.token_to_id(token);
    if (id === undefined) throw tokenizerError(`The tokenizer has no "${token}".`);
    return id;
  };
  const begin = idOf(bos);
  const end = idOf(eos);
  const padding = idOf(pad);
  const length = Math.min(config.data.model_max_length ?? clipLength, clipLength);
  return {
    vocabularySize: inner.get_vocab(true).size,
    tokenize(text) {
      const all = inner.encode(text, { add_special_tokens: false }).ids;
      const kept = all.slice(0, length - 2);
      const ids = [begin, ...kept, end];
      while (ids.length < length) ids.push(padding);
      return { ids, truncated: all.length - kept.length };
    },
  };
}

async function buildTokenizer(folder: string, bos: string, eos: string): Promise<Tokenizer> {
  const whole = await readOptionalJson(join(folder, 'tokenizer.json'));
  try {
    if (whole !== undefined) return new Tokenizer(whole, {});
    const vocabulary = await readOptionalJson(join(folder, 'vocab.json'));
    const merges = await readOptional(join(folder, 'merges.txt'));
    if (vocabulary === undefined) throw tokenizerError('tokenizer/vocab.json is missing.');
    if (merges === undefined) throw tokenizerError('tokenizer/merges.txt is missing.');
    return new Tokenizer(clipTokenizerJson(vocabulary, merges, bos, eos), {});
  } catch (error) {
    if (error instanceof StopbathError) throw error;
    throw tokenizerError('The tokenizer files do not fit together.', error instanceof Error ? error.message : String(error));
  }
}

async function readOptional(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return undefined;
  }
}

async function readOptionalJson(file: string): Promise<Record<string, unknown> | undefined> {
  const text = await readOptional(file);
  if (text === undefined) return undefined;
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch (error) {
    throw tokenizerError(`${file} is damaged.`, error instanceof Error ? error.message : String(error));
  }
}

export function tokenizerError(message: string, detail?: string): StopbathError {
  return new StopbathError({
    code: 'MODEL_TOKENIZER',
    message,
    nextStep: "Copy the model's own tokenizer folder again.",
    ...(detail === undefined ? {} : { detail }),
  });
}
