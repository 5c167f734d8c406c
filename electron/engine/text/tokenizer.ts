import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
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
  // transformers writes 1e30 for "no end"; begin, end and a token between are the least.
  model_max_length: z.number().min(3).optional(),
});
const paddingSchema = z.object({ pad_token: z.string() });

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
  /** As `ids`, with those of the embeddings that the text calls; left out: there are none. */
  readonly idsWithEmbeddings?: (text: string, syntax: 'a1111' | 'comfy') => readonly number[];
  /** Vectors of the embedding that begins with this id, which a chunk's end does not tear apart; 1 for every other id. */
  readonly vectorsFrom?: (id: number) => number;
  /** As transformers' `batch_decode` gives the text of ids back: lower case, words and signs apart. */
  decode(ids: readonly number[]): string;
}

const clipLength = 77;

export interface TokenizerOptions {
  /** What pads where no file says it; left out: the token that ends a text, transformers' own default. */
  readonly padding?: string;
  /** The files are another tokenizer's: `padding` counts, whatever they say. */
  readonly isBorrowed?: boolean;
}

/**
 * The tokenizer of a model folder: `tokenizer.json`, or else `vocab.json` and `merges.txt`.
 * @throws StopbathError `MODEL_TOKENIZER` naming what is missing or unreadable.
 */
export async function loadTokenizer(folder: string, { padding, isBorrowed = false }: TokenizerOptions = {}): Promise<PromptTokenizer> {
  const name = basename(folder);
  const special = await readOptionalJson(folder, 'special_tokens_map.json');
  const own = await readOptionalJson(folder, 'tokenizer_config.json');
  const config = tokensSchema.safeParse({ ...special, ...own });
  if (!config.success) throw tokenizerError(`${name}/tokenizer_config.json is not readable.`, z.prettifyError(config.error));
  const { bos_token: bos = '<|startoftext|>', eos_token: eos = '<|endoftext|>' } = config.data;
  const whole = await readTokenizer(folder, bos, eos);
  const stated = config.data.pad_token ?? paddingSchema.safeParse(whole['padding']).data?.pad_token;
  const isSilent = special === undefined && own === undefined && stated === undefined;
  const pad = (isSilent || isBorrowed ? padding : stated) ?? eos;
  const inner = buildTokenizer(name, withSpecial(whole, pad, pad === bos || pad === eos));
  const idOf = (token: string): number => {
    const id = inner.token_to_id(token);
    if (id === undefined) throw tokenizerError(`The vocabulary in ${name} has no "${token}".`);
    return id;
  };
  const plain = pad === bos || pad === eos ? inner : buildTokenizer(name, withSpecial(whole, pad, true, idOf(pad)));
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
  const name = basename(folder);
  const whole = await readOptionalJson(folder, 'tokenizer.json');
  if (whole !== undefined) return whole;
  const vocabulary = await readOptionalJson(folder, 'vocab.json');
  const merges = await readOptional(join(folder, 'merges.txt'));
  if (vocabulary === undefined) throw tokenizerError(`${name}/vocab.json is missing.`);
  if (merges === undefined) throw tokenizerError(`${name}/merges.txt is missing.`);
  const wrong = Object.entries(vocabulary).find(([, id]) => !Number.isSafeInteger(id) || Number(id) < 0);
  if (wrong !== undefined) throw tokenizerError(`${name}/vocab.json is damaged: ${JSON.stringify(wrong[0].slice(0, 40))} has no number.`);
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

function buildTokenizer(name: string, whole: Record<string, unknown>): Tokenizer {
  try {
    return new Tokenizer(whole, {});
  } catch (error) {
    throw tokenizerError(`The files in ${name} do not fit together.`, error instanceof Error ? error.message : String(error));
  }
}

async function readOptional(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return undefined;
  }
}

async function readOptionalJson(folder: string, name: string): Promise<Record<string, unknown> | undefined> {
  const text = await readOptional(join(folder, name));
  if (text === undefined) return undefined;
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch (error) {
    throw tokenizerError(`${basename(folder)}/${name} is damaged.`, error instanceof Error ? error.message : String(error));
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
