import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { StopbathError } from '../../../shared/errors.ts';
import { clipTokenizerJson } from './clipTokenizer.ts';
import { decodeTokens } from './decodeTokens.ts';

const tokenSchema = z.union([z.string(), z.object({ content: z.string() }).transform((token) => token.content)]);
const tokensSchema = z.object({
  bos_token: tokenSchema.optional(),
  eos_token: tokenSchema.optional(),
  pad_token: tokenSchema.optional(),
  model_max_length: z.number().optional(),
});

export interface PromptTokenizer {
  readonly vocabularySize: number;
  /** Ids that begin and end a text, and the one that fills up after the end. */
  readonly begin: number;
  readonly end: number;
  readonly padding: number;
  /** The id of a comma that ends a word; null where the vocabulary has none. */
  readonly comma: number | null;
  /** Ids a text encoder takes at once, begin and end among them: 77 for CLIP. */
  readonly length: number;
  /** The text's own ids, uncut, without begin and end. */
  ids(text: string): readonly number[];
  /** The same as transformers has them: what pads is the padding token wherever a text has it ("!" of SD 2 and SDXL's second). */
  plainIds(text: string): readonly number[];
  /** As transformers' `batch_decode` gives the text of ids back: lower case, words and signs apart. */
  decode(ids: readonly number[]): string;
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
  const whole = await readTokenizer(folder, bos, eos);
  const inner = buildTokenizer(withSpecial(whole, pad, pad === bos || pad === eos));
  const idOf = (token: string): number => {
    const id = inner.token_to_id(token);
    if (id === undefined) throw tokenizerError(`The tokenizer has no "${token}".`);
    return id;
  };
  const plain = pad === bos || pad === eos ? inner : buildTokenizer(withSpecial(whole, pad, true, idOf(pad)));
  return {
    vocabularySize: inner.get_vocab(true).size,
    begin: idOf(bos),
    end: idOf(eos),
    padding: idOf(pad),
    comma: inner.token_to_id(',</w>') ?? null,
    length: Math.min(config.data.model_max_length ?? clipLength, clipLength),
    ids: (text) => inner.encode(text, { add_special_tokens: false }).ids,
    plainIds: (text) => plain.encode(text, { add_special_tokens: false }).ids,
    decode: (ids) => decodeTokens(ids.map((id) => inner.id_to_token(id) ?? '')),
  };
}

/** tokenizer.json, or what stands for it. */
async function readTokenizer(folder: string, bos: string, eos: string): Promise<Record<string, unknown>> {
  const whole = await readOptionalJson(join(folder, 'tokenizer.json'));
  if (whole !== undefined) return whole;
  const vocabulary = await readOptionalJson(join(folder, 'vocab.json'));
  const merges = await readOptional(join(folder, 'merges.txt'));
  if (vocabulary === undefined) throw tokenizerError('tokenizer/vocab.json is missing.');
  if (merges === undefined) throw tokenizerError('tokenizer/merges.txt is missing.');
  return { ...clipTokenizerJson(vocabulary, merges, bos, eos) };
}

const addedSchema = z.array(z.looseObject({ content: z.string() })).catch([]);

/** A tokenizer.json that knows, or does not know, a text as a token of its own. Exports differ in whether they list the padding. */
function withSpecial(whole: Record<string, unknown>, content: string, isSpecial: boolean, id?: number): Record<string, unknown> {
  const added = addedSchema.parse(whole['added_tokens']);
  const others = added.filter((token) => token.content !== content);
  if (!isSpecial) return { ...whole, added_tokens: others };
  if (id === undefined || others.length < added.length) return whole;
  const token = { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return { ...whole, added_tokens: [...added, token] };
}

function buildTokenizer(whole: Record<string, unknown>): Tokenizer {
  try {
    return new Tokenizer(whole, {});
  } catch (error) {
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
