import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { StopbathError } from '../../../shared/errors.ts';
import { loadTokenizer, type PromptTokenizer } from '../text/tokenizer.ts';
import { readOptionalModelJson } from './modelFolder.ts';
import { type Assumption, ModelFault } from './modelFault.ts';

export type TokenizerName = 'tokenizer' | 'tokenizer_2';

/** Some fine-tunes pad the embedding table; more than this is another tokenizer. */
const vocabularySlack = 64;

/**
 * The tokenizer of a text encoder.
 * @throws StopbathError `MODEL_TOKENIZER` when it is missing or cannot belong to the encoder.
 */
export async function openTokenizer(folder: string, name: TokenizerName, encoder: string): Promise<PromptTokenizer> {
  const tokenizer = await readTokenizer(folder, name);
  const size = (await readOptionalModelJson(folder, `${encoder}/config.json`))?.['vocab_size'];
  if (typeof size !== 'number') return tokenizer;
  const spare = size - tokenizer.vocabularySize;
  if (spare >= 0 && spare <= vocabularySlack) return tokenizer;
  throw new ModelFault('TOKENIZER_FOREIGN', name, {
    code: 'MODEL_TOKENIZER',
    message: `${name} does not belong to this model: it has ${tokenizer.vocabularySize} tokens, ${encoder} ${size}.`,
    nextStep: "Copy the model's own tokenizer folder again.",
  });
}

/** The same without asking the text encoder. */
export async function readTokenizer(folder: string, name: TokenizerName): Promise<PromptTokenizer> {
  const place = await tokenizerPlace(folder, name);
  try {
    // SDXL's second tokenizer, which is OpenCLIP's, pads with "!".
    return await loadTokenizer(join(folder, place), { isBorrowed: place !== name, ...(name === 'tokenizer_2' ? { padding: '!' } : {}) });
  } catch (error) {
    if (!(error instanceof StopbathError)) throw error;
    throw new ModelFault('TOKENIZER_BAD', name, error, { cause: error });
  }
}

/** Both of SDXL's tokenizers have CLIP's vocabulary: where one is missing, the other stands for it. */
async function tokenizerPlace(folder: string, name: TokenizerName): Promise<TokenizerName> {
  const other = name === 'tokenizer' ? 'tokenizer_2' : 'tokenizer';
  return !(await isFolder(join(folder, name))) && (await isFolder(join(folder, other))) ? other : name;
}

/** What is taken for a tokenizer that is not there, or null. */
export async function tokenizerAssumed(folder: string, name: TokenizerName): Promise<Assumption | null> {
  const place = await tokenizerPlace(folder, name);
  if (place === name) return null;
  const message = `The folder ${name} is missing; the vocabulary in ${place}, which is the same in SDXL models, is taken.`;
  return { code: 'TOKENIZER_ASSUMED', part: name, message, remedy: '' };
}

async function isFolder(folder: string): Promise<boolean> {
  try {
    return (await stat(folder)).isDirectory();
  } catch {
    return false;
  }
}
