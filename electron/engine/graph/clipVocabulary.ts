import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { StopbathError } from '../../../shared/errors.ts';

/** Tokens of CLIP's vocabulary: 256 bytes, the same at a word's end, the merges, and two signs. */
export const clipVocabularySize = 49_408;
const mergeCount = clipVocabularySize - 2 * 256 - 2;

export interface ClipVocabularyFiles {
  readonly 'vocab.json': string;
  readonly 'merges.txt': string;
}

/**
 * The files transformers' CLIPTokenizer reads, from the list of merges CLIP itself ships.
 * @param list path of bpe_simple_vocab_16e6.txt.gz; its first 48 894 merges are CLIP's (openai/CLIP `simple_tokenizer.py`)
 * @throws StopbathError `MODEL_TOKENIZER` when the list is missing or damaged.
 */
export async function clipVocabularyFiles(list: string): Promise<ClipVocabularyFiles> {
  const lines = await readLines(list);
  const merges = lines.slice(1, 1 + mergeCount);
  if (merges.length !== mergeCount) throw damaged(`${lines.length} lines`);
  const letters = byteLetters();
  const tokens = [
    ...letters,
    ...letters.map((letter) => `${letter}</w>`),
    ...merges.map((merge) => merge.replace(' ', '')),
    '<|startoftext|>',
    '<|endoftext|>',
  ];
  const vocabulary = Object.fromEntries(tokens.map((token, id) => [token, id]));
  if (Object.keys(vocabulary).length !== clipVocabularySize) throw damaged('tokens that are equal');
  return { 'vocab.json': JSON.stringify(vocabulary), 'merges.txt': `#version: 0.2\n${merges.join('\n')}\n` };
}

async function readLines(list: string): Promise<readonly string[]> {
  try {
    return gunzipSync(await readFile(list)).toString('utf8').split('\n');
  } catch (error) {
    throw damaged(error instanceof Error ? error.message : String(error));
  }
}

/** `bytes_to_unicode`: a printable letter for every byte, the printable bytes first. */
function byteLetters(): readonly string[] {
  const isPrintable = (byte: number): boolean => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const printable = bytes.filter(isPrintable).map((byte) => String.fromCharCode(byte));
  const others = bytes.filter((byte) => !isPrintable(byte)).map((_, index) => String.fromCharCode(256 + index));
  return [...printable, ...others];
}

function damaged(detail: string): StopbathError {
  return new StopbathError({
    code: 'MODEL_TOKENIZER',
    message: "The app's own vocabulary of CLIP is missing or damaged.",
    nextStep: 'Install the app again.',
    detail,
  });
}
