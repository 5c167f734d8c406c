import type { TokenCount } from '../../../shared/job.ts';
import { countPrompt } from '../text/encoding.ts';
import type { PromptSyntax } from '../text/promptEncoding.ts';
import { readLayout } from './layout.ts';
import { readTokenizer } from './vocabulary.ts';

export interface TokenCounter {
  count(text: string, syntax: PromptSyntax): TokenCount;
}

/** Counters of the model folders asked about last. */
const opened = new Map<string, Promise<TokenCounter>>();
const mostOpened = 4;

/**
 * Counts tokens as a model of that folder will, without loading anything but its tokenizer.
 * @throws StopbathError `MODEL_TOKENIZER`
 */
export function openTokenCounter(folder: string): Promise<TokenCounter> {
  const known = opened.get(folder);
  if (known !== undefined) return known;
  const counter = load(folder);
  opened.set(folder, counter);
  // One that failed is tried again: the folder may have been mended.
  counter.catch(() => opened.delete(folder));
  const oldest = opened.keys().next();
  if (opened.size > mostOpened && oldest.done !== true) opened.delete(oldest.value);
  return counter;
}

async function load(given: string): Promise<TokenCounter> {
  const { folder, files } = await readLayout(given);
  // SDXL's refiner has the second one only.
  const isRefiner = files.text_encoder === undefined && files.text_encoder_2 !== undefined;
  const tokenizer = await readTokenizer(folder, isRefiner ? 'tokenizer_2' : 'tokenizer');
  return { count: (text, syntax) => countPrompt(text, syntax, tokenizer) };
}
