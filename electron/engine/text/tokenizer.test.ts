import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { writeTinyModel } from '../testing/tinyModel.ts';
import { loadTokenizer } from './tokenizer.ts';

const starter = fileURLToPath(new URL('../../../assets/starter/tokenizer', import.meta.url));

describe('tokenizer', () => {
  it('gives ids and the signs around them', async () => {
    const tokenizer = await loadTokenizer(join(await writeTinyModel(), 'tokenizer'));
    expect(tokenizer.ids('a  AB c')).toEqual([3, 6, 5]);
    expect(tokenizer).toMatchObject({ vocabularySize: 9, begin: 7, end: 8, padding: 8, comma: null, length: 77 });
    expect((await loadTokenizer(starter)).comma).toBe(267);
  });

  it('pads with what the files say, as SD 2 does with "!"', async () => {
    const folder = join(await writeTinyModel(), 'tokenizer');
    await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify({ pad_token: 'a' }));
    await writeFile(join(folder, 'special_tokens_map.json'), JSON.stringify({ pad_token: { content: 'b' } }));
    expect((await loadTokenizer(folder)).padding).toBe(0);
  });

  it('is the same from vocab.json and merges.txt as from tokenizer.json', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stopbath-tokenizer-'));
    await cp(starter, folder, { recursive: true });
    await rm(join(folder, 'tokenizer.json'));
    const [whole, parts] = [await loadTokenizer(starter), await loadTokenizer(folder)];
    expect(parts.vocabularySize).toBe(whole.vocabularySize);
    for (const text of ['a red house, under a night-sky', "A Château in 1987's déjà-vu", '雪 🙂 x²', ' \n tabs\tand  spaces ', '<|endoftext|> a']) {
      expect(parts.ids(text)).toEqual(whole.ids(text));
      expect(parts.decode(parts.ids(text))).toBe(whole.decode(whole.ids(text)));
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
