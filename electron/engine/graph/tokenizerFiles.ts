import { randomBytes } from 'node:crypto';
import { copyFile, link, mkdir, realpath, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StopbathError } from '../../../shared/errors.ts';
import { clipVocabularyFiles, clipVocabularySize } from './clipVocabulary.ts';
import type { CheckpointFamily, TextPart } from './readers/checkpointModel.ts';
import type { TokenizerName } from './readers/diffusersFolder.ts';

export interface TokenizerSources {
  /** Folders of the model's own, by name. */
  readonly own: ReadonlyMap<TokenizerName, string>;
  /** CLIP's list of merges, bpe_simple_vocab_16e6.txt.gz. */
  readonly vocabulary: string;
  /** Folder for what all models share. */
  readonly shared: string;
}

/** Some fine-tunes pad the embedding table; more than this is another vocabulary. */
const slack = 64;
/** Bytes; CLIP's largest, tokenizer.json, has 3.6 MB. */
const largest = 16_000_000;

/**
 * Writes the tokenizer of every text encoder: hard links to the model's own files, or else CLIP's vocabulary.
 * @param folder of the model
 * @throws StopbathError `MODEL_TOKENIZER` for a vocabulary that is not CLIP's where the model brings none.
 */
export async function writeTokenizers(folder: string, text: readonly TextPart[], family: CheckpointFamily, sources: TokenizerSources): Promise<void> {
  for (const { name, sizes } of text) {
    const tokenizer: TokenizerName = name === 'text_encoder' ? 'tokenizer' : 'tokenizer_2';
    const target = join(folder, tokenizer);
    await mkdir(target);
    const own = sources.own.get(tokenizer);
    if (own !== undefined) await linkOwn(own, target);
    else await writeClip(target, sizes.vocabulary, family === 'sd2' || tokenizer === 'tokenizer_2' ? '!' : '<|endoftext|>', sources);
  }
}

/** tokenizer.json says the same again in four times the bytes. */
const parts = ['vocab.json', 'merges.txt'];
const names = [...parts, 'tokenizer_config.json', 'special_tokens_map.json', 'added_tokens.json'];

async function linkOwn(own: string, target: string): Promise<void> {
  const found = new Set<string>();
  for (const name of names) if (await linkOrCopy(join(own, name), join(target, name))) found.add(name);
  if (parts.every((name) => found.has(name)) || (await linkOrCopy(join(own, 'tokenizer.json'), join(target, 'tokenizer.json')))) return;
  throw new StopbathError({
    code: 'MODEL_TOKENIZER',
    message: `${own} has neither vocab.json and merges.txt nor tokenizer.json.`,
    nextStep: "Copy the model's own tokenizer folder again.",
  });
}

async function linkOrCopy(from: string, to: string): Promise<boolean> {
  const real = await realpath(from).catch(() => null);
  if (real === null) return false;
  const found = await stat(real);
  if (!found.isFile() || found.size > largest) return false;
  await link(real, to).catch(() => copyFile(real, to));
  return true;
}

async function writeClip(target: string, vocabulary: number, padding: string, { vocabulary: list, shared }: TokenizerSources): Promise<void> {
  if (vocabulary < clipVocabularySize || vocabulary > clipVocabularySize + slack) {
    throw new StopbathError({
      code: 'MODEL_TOKENIZER',
      message: `The text encoder knows ${vocabulary} tokens, CLIP's vocabulary has ${clipVocabularySize}: the model has a vocabulary of its own, which the file does not hold.`,
      nextStep: 'Open the model as a diffusers folder with its tokenizer.',
    });
  }
  await writeShared(shared, list);
  for (const name of parts) await linkOrCopy(join(shared, name), join(target, name));
  const special = { bos_token: '<|startoftext|>', eos_token: '<|endoftext|>', unk_token: '<|endoftext|>', pad_token: padding };
  await writeFile(join(target, 'special_tokens_map.json'), JSON.stringify(special));
  await writeFile(
    join(target, 'tokenizer_config.json'),
    JSON.stringify({ ...special, add_prefix_space: false, do_lower_case: true, model_max_length: 77, tokenizer_class: 'CLIPTokenizer' }),
  );
}

async function writeShared(shared: string, list: string): Promise<void> {
  await mkdir(shared, { recursive: true });
  for (const name of parts) {
    const path = join(shared, name);
    if ((await stat(path).catch(() => null)) !== null) continue;
    const files = await clipVocabularyFiles(list);
    const unfinished = join(shared, `.${name}.${randomBytes(4).toString('hex')}.part`);
    await writeFile(unfinished, name === 'vocab.json' ? files['vocab.json'] : files['merges.txt']);
    await rename(unfinished, path);
  }
}
