import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { chunkPrompt, countTokens, emptyChunk } from './chunks.ts';
import { loadTokenizer } from './tokenizer.ts';

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`golden/${name}`, import.meta.url), 'utf8'));

/** [value, how often in a row] */
type Runs = readonly (readonly [number, number])[];
interface GoldenPrompt {
  readonly text: string;
  readonly chunks: readonly { readonly ids: Runs; readonly weights: Runs }[];
}
// Made by e2e/parity/make_text_goldens.py with A1111's and ComfyUI's own chunking on the starter model's tokenizer.
const golden = read('chunks.json') as { a1111: readonly GoldenPrompt[]; comfy: readonly GoldenPrompt[] };
// The same with transformers' batch_decode, as diffusers warns about what it cuts.
const cuts = read('cut.json') as readonly { text: string; cut: number; cutText: string }[];

const tokenizer = await loadTokenizer(fileURLToPath(new URL('../../../assets/starter/tokenizer', import.meta.url)));
const spread = (runs: Runs): number[] => runs.flatMap(([value, times]) => new Array<number>(times).fill(value));

describe.each(['a1111', 'comfy'] as const)('%s chunks', (syntax) => {
  it.each(golden[syntax])('of $text', ({ text, chunks }) => {
    const made = chunkPrompt(text, syntax, tokenizer);
    expect(made.chunks.map(({ ids }) => ids)).toEqual(chunks.map(({ ids }) => spread(ids)));
    expect(made.chunks.map(({ weights }) => weights)).toEqual(chunks.map(({ weights }) => spread(weights)));
    expect(made.cut).toEqual([]);
  });
});

describe('plain', () => {
  it.each(cuts)('cuts $cut tokens', ({ text, cut, cutText }) => {
    const made = chunkPrompt(text, 'plain', tokenizer);
    expect(made.chunks).toHaveLength(1);
    expect(countTokens(made, tokenizer)).toMatchObject({ chunkSize: 75, cut, cutText });
  });

  it('takes every sign as it stands', () => {
    const text = '(a:1.3) [b] BREAK \\(c\\)';
    const { ids, weights, used } = chunkPrompt(text, 'plain', tokenizer).chunks[0] ?? emptyChunk(tokenizer);
    expect(ids.slice(1, used + 1)).toEqual(tokenizer.ids(text));
    expect(new Set(weights)).toEqual(new Set([1]));
  });
});

it('counts the tokens of each chunk without what fills it up', () => {
  const count = (text: string): readonly number[] => countTokens(chunkPrompt(text, 'a1111', tokenizer), tokenizer).chunks;
  expect(count('a red house BREAK blue')).toEqual([3, 1]);
  // 55 words, a comma, 19 more: the comma is 20 back, so what follows it goes over whole.
  expect(count(`${'red '.repeat(55)}, ${'blue '.repeat(40)}`)).toEqual([56, 40]);
  expect(count(`${'red '.repeat(54)}, ${'blue '.repeat(40)}`)).toEqual([75, 20]);
});

it('pads with the id its files name', () => {
  const { ids } = emptyChunk({ ...tokenizer, padding: 0 });
  expect(ids.slice(0, 4)).toEqual([tokenizer.begin, tokenizer.end, 0, 0]);
  expect(ids).toHaveLength(77);
});
