import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { writeTinyModel } from '../testing/tinyModel.ts';
import { loadTokenizer } from './tokenizer.ts';

const starter = fileURLToPath(new URL('../../../assets/starter/tokenizer', import.meta.url));

describe('tokenizer', () => {
  it('pads to 77 and tells how much did not fit', async () => {
    const tokenizer = await loadTokenizer(join(await writeTinyModel(), 'tokenizer'));
    const short = tokenizer.tokenize('a  AB c');
    expect(short.ids.slice(0, 6)).toEqual([7, 3, 6, 5, 8, 8]);
    expect(short.ids).toHaveLength(77);
    expect(short.truncated).toBe(0);
    const long = tokenizer.tokenize('a '.repeat(80));
    expect(long.ids).toHaveLength(77);
    expect(long.ids.at(-1)).toBe(8);
    expect(long.truncated).toBe(5);
    expect(tokenizer.tokenize('').ids).toEqual([7, ...new Array(76).fill(8)]);
  });

  it('pads with what the files say, as SD 2 does with "!"', async () => {
    const folder = join(await writeTinyModel(), 'tokenizer');
    await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify({ pad_token: 'a' }));
    await writeFile(join(folder, 'special_tokens_map.json'), JSON.stringify({ pad_token: { content: 'b' } }));
    expect((await loadTokenizer(folder)).tokenize('').ids.at(-1)).toBe(0);
  });

  it('is the same from vocab.json and merges.txt as from tokenizer.json', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stopbath-tokenizer-'));
    await cp(starter, folder, { recursive: true });
    await rm(join(folder, 'tokenizer.json'));
    const [whole, parts] = [await loadTokenizer(starter), await loadTokenizer(folder)];
    expect(parts.vocabularySize).toBe(whole.vocabularySize);
    for (const text of ['a red house, under a night-sky', "A Château in 1987's déjà-vu", '雪 🙂 x²', ' \n tabs\tand  spaces ', '<|endoftext|> a']) {
      expect(parts.tokenize(text)).toEqual(whole.tokenize(text));
    }
  });

  it('says which file is missing or damaged', async () => {
    const folder = join(await writeTinyModel(), 'tokenizer');
    await writeFile(join(folder, 'vocab.json'), '{');
    await expect(loadTokenizer(folder)).rejects.toMatchObject({ code: 'MODEL_TOKENIZER' });
    await rm(join(folder, 'vocab.json'));
    await expect(loadTokenizer(folder)).rejects.toMatchObject({ message: expect.stringContaining('vocab.json') as unknown });
  });
});
