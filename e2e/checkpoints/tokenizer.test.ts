import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { clipVocabularyFiles } from '../../electron/engine/graph/clipVocabulary.ts';
import { loadTokenizer, type PromptTokenizer } from '../../electron/engine/text/tokenizer.ts';
import { clipMerges } from './fixtures.ts';

/** Of transformers' CLIPTokenizer with CLIP's vocabulary: make_token_goldens.py. */
const golden = JSON.parse(readFileSync(new URL('fixtures/tokens.json', import.meta.url), 'utf8')) as {
  vocabularySha256: string;
  texts: { text: string; ids: number[] }[];
};

let place: string;
let tokenizer: PromptTokenizer;
beforeAll(async () => {
  place = await mkdtemp(path.join(tmpdir(), 'stopbath-vocabulary-'));
  for (const [name, text] of Object.entries(await clipVocabularyFiles(clipMerges))) await writeFile(path.join(place, name), text);
  await writeFile(path.join(place, 'tokenizer_config.json'), JSON.stringify({ pad_token: '<|endoftext|>', model_max_length: 77 }));
  tokenizer = await loadTokenizer(place);
});
afterAll(() => rm(place, { recursive: true, force: true }));

it('derives the vocabulary CLIP itself derives', async () => {
  const vocabulary = JSON.parse((await clipVocabularyFiles(clipMerges))['vocab.json']) as Record<string, number>;
  const order = Object.entries(vocabulary).sort(([, a], [, b]) => a - b).map(([token]) => token);
  expect(order).toHaveLength(49_408);
  expect(createHash('sha256').update(order.join('\n')).digest('hex')).toBe(golden.vocabularySha256);
  expect(tokenizer).toMatchObject({ vocabularySize: 49_408, begin: 49_406, end: 49_407, padding: 49_407, length: 77 });
});

it.each(golden.texts)('gives $text its ids', ({ text, ids }) => {
  expect(tokenizer.plainIds(text)).toEqual(ids);
});

it('says when the list of merges is missing or cut off', async () => {
  await expect(clipVocabularyFiles(path.join(place, 'none.gz'))).rejects.toMatchObject({ code: 'MODEL_TOKENIZER' });
  const cut = path.join(place, 'cut.gz');
  await writeFile(cut, readFileSync(clipMerges).subarray(0, 1_000_000));
  await expect(clipVocabularyFiles(cut)).rejects.toMatchObject({ code: 'MODEL_TOKENIZER' });
});
