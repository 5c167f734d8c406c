import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
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

  it('reads the text that pads as padding where transformers does', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stopbath-tokenizer-'));
    await cp(starter, folder, { recursive: true });
    const usual = await loadTokenizer(folder);
    expect(usual.plainIds('a house!')).toEqual(usual.ids('a house!'));
    await writeFile(join(folder, 'special_tokens_map.json'), JSON.stringify({ pad_token: '!' }));
    await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify({ pad_token: '!' }));
    const whole = JSON.parse(await readFile(join(folder, 'tokenizer.json'), 'utf8')) as { added_tokens: object[] };
    const listed = { id: 0, content: '!', single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
    for (const added_tokens of [whole.added_tokens, [...whole.added_tokens, listed]]) {
      await writeFile(join(folder, 'tokenizer.json'), JSON.stringify({ ...whole, added_tokens }));
      const padded = await loadTokenizer(folder);
      expect(padded.padding).toBe(0);
      expect(padded.ids('a house!')).toEqual(usual.ids('a house!'));
      expect(padded.plainIds('a house!')).toEqual([...usual.ids('a house'), 0]);
      expect(padded.plainIds('hey!!')).toEqual([...usual.ids('hey'), 0, 0]);
    }
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
