import { join } from 'node:path';
import { loadTokenizer, type PromptTokenizer, tokenizerError } from '../text/tokenizer.ts';
import { readOptionalModelJson } from './modelFolder.ts';

/** Some fine-tunes pad the embedding table; more than this is another tokenizer. */
const vocabularySlack = 64;

/**
 * The tokenizer of a text encoder.
 * @param tokenizerFolder `tokenizer` or `tokenizer_2`
 * @throws StopbathError `MODEL_TOKENIZER` when it is missing or cannot belong to the encoder.
 */
export async function openTokenizer(folder: string, tokenizerFolder: string, encoder: string): Promise<PromptTokenizer> {
  const tokenizer = await loadTokenizer(join(folder, tokenizerFolder));
  const size = (await readOptionalModelJson(folder, `${encoder}/config.json`))?.['vocab_size'];
  if (typeof size !== 'number') return tokenizer;
  const spare = size - tokenizer.vocabularySize;
  if (spare >= 0 && spare <= vocabularySlack) return tokenizer;
  throw tokenizerError(
    `The tokenizer does not belong to this model: it has ${tokenizer.vocabularySize} tokens, the text encoder ${size}.`,
  );
}
