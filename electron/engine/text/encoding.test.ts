import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { openSession } from '../ort/session.ts';
import type { ModelSession, TensorSpec } from '../tensor/modelSession.ts';
import { concatRows, tensor, type Tensor } from '../tensor/tensor.ts';
import { writeTinyModel } from '../testing/tinyModel.ts';
import type { EncodeOptions, PromptEncoding } from './promptEncoding.ts';
import { createSdEncoding } from './sdEncoding.ts';
import { createSdxlEncoding } from './sdxlEncoding.ts';
import { loadTokenizer } from './tokenizer.ts';

// Goldens made by e2e/parity/make_text_goldens.py.
const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`golden/${name}`, import.meta.url), 'utf8'));
const path = (name: string): string => fileURLToPath(new URL(`../../../${name}`, import.meta.url));

interface Samples {
  readonly dims: readonly number[];
  readonly sum: number;
  readonly sumOfSquares: number;
  readonly first: readonly number[];
  readonly every97th: readonly number[];
}

function expectSamples({ dims, data }: Tensor, golden: Samples, tolerance: number): void {
  expect(dims).toEqual(golden.dims);
  const close = (values: Float32Array, wanted: readonly number[]): void => {
    expect(values.length).toBe(wanted.length);
    wanted.forEach((value, index) => expect(Math.abs((values[index] ?? NaN) - value)).toBeLessThan(tolerance));
  };
  close(data.slice(0, 8), golden.first);
  close(data.filter((_, index) => index % 97 === 0), golden.every97th);
  expect(Math.abs(data.reduce((sum, value) => sum + value, 0) - golden.sum)).toBeLessThan(data.length * tolerance);
  expect(Math.abs(data.reduce((sum, value) => sum + value * value, 0) - golden.sumOfSquares)).toBeLessThan(data.length * tolerance);
}

const options = (change: Partial<EncodeOptions> = {}): EncodeOptions => ({ syntax: 'plain', clipSkip: 0, chunks: 1, ...change });
const output = (name: string, dims: TensorSpec['dims']): TensorSpec => ({ name, type: 'float32', dims });

interface CountedSession extends ModelSession {
  readonly fed: number[][];
}

/** The text encoder of the goldens: a token and its place; every further output is 10 above the one before it. */
function fakeSession(names: readonly string[], width = 6): CountedSession {
  const fed: number[][] = [];
  return {
    fed,
    inputs: [{ name: 'input_ids', type: 'int64', dims: ['batch', 77] }],
    outputs: names.map((name) => output(name, ['batch', 77, width])),
    run({ input_ids: ids }) {
      if (ids === undefined) throw new Error('no ids');
      fed.push([...ids.data]);
      const data = new Float32Array(ids.data.length * width);
      ids.data.forEach((id, place) => {
        for (let column = 0; column < width; column++) {
          data[place * width + column] = 0.2 + Math.sin(0.1 * id + 0.7 * place + 1.3 * column);
        }
      });
      const states = tensor([1, ids.data.length, width], data);
      return Promise.resolve(Object.fromEntries(names.map((name, layer) => [
        name,
        name === 'text_embeds'
          ? tensor([1, 2], Float32Array.of(ids.data[1] ?? 0, ids.data[2] ?? 0))
          : { dims: states.dims, data: data.map((value) => value + 10 * layer) },
      ])));
    },
    release: () => Promise.resolve(),
  };
}

const tokenizer = await loadTokenizer(path('assets/starter/tokenizer'));

describe('emphasis', () => {
  const golden = read('weighting.json') as readonly { text: string; pad: number; a1111: Samples; comfy: Samples }[];
  const rows = golden.flatMap(({ text, pad, ...by }) =>
    (['a1111', 'comfy'] as const).map((syntax) => ({ name: text.slice(0, 40), text, pad, syntax, samples: by[syntax] })),
  );

  it.each(rows)('of $name in $syntax is what its own program makes of it, padded with $pad', async ({ text, pad, syntax, samples }) => {
    const encoding = createSdEncoding({ ...tokenizer, padding: pad }, fakeSession(['last_hidden_state']));
    const { embeds } = await encoding.encode(text, options({ syntax }));
    expectSamples(embeds, samples, 1e-5);
  });

  it('too strong to be computed is refused by name', async () => {
    const encoding = createSdEncoding(tokenizer, fakeSession(['last_hidden_state']));
    for (const syntax of ['a1111', 'comfy'] as const) {
      await expect(encoding.encode(`(a:${'9'.repeat(60)})`, options({ syntax }))).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'prompt' });
    }
  });
});

describe('chunks', () => {
  it('stand one after the other; empty ones fill up, and the same one runs once', async () => {
    const session = fakeSession(['last_hidden_state']);
    const encoding = createSdEncoding(tokenizer, session);
    const alone = await Promise.all(['a red house', 'blue', ''].map((text) => encoding.encode(text, options())));
    session.fed.length = 0;
    const { embeds, count } = await encoding.encode('a red house BREAK blue', options({ syntax: 'a1111', chunks: 4 }));
    expect(embeds.dims).toEqual([1, 4 * 77, 6]);
    const [first, second, empty] = alone.map((prompt) => prompt.embeds);
    if (first === undefined || second === undefined || empty === undefined) throw new Error('unreachable');
    expect(embeds.data).toEqual(concatRows([first, second, empty, empty]).data);
    expect(session.fed).toHaveLength(3);
    expect(count).toEqual({ chunks: [3, 1], chunkSize: 75, cut: 0, cutText: '' });
    expect(encoding.chunksOf('a red house BREAK blue', 'a1111')).toBe(2);
    expect(encoding.chunksOf('a red house BREAK blue', 'comfy')).toBe(1);
  });

  it('of a schedule are counted for its longest text', () => {
    const encoding = createSdEncoding(tokenizer, fakeSession(['last_hidden_state']));
    expect(encoding.count('[a:red blue green:3] house', 'a1111').chunks).toEqual([4]);
    expect(encoding.count(`[${'red '.repeat(80)}|a] house`, 'a1111').chunks).toEqual([75, 6]);
    expect(encoding.count('red '.repeat(77), 'plain')).toEqual({ chunks: [75], chunkSize: 75, cut: 2, cutText: 'red red' });
  });
});

it('encodes the texts used last once, and keeps no more than 32', async () => {
  const session = fakeSession(['last_hidden_state']);
  const encoding = createSdEncoding(tokenizer, session);
  for (let index = 0; index < 40; index++) {
    await encoding.encode('', options());
    await encoding.encode(`prompt ${index}`, options());
  }
  expect(session.fed).toHaveLength(41);
  await encoding.encode('prompt 39', options());
  await encoding.encode('prompt 9', options());
  expect(session.fed).toHaveLength(41);
  await encoding.encode('prompt 8', options());
  await encoding.encode('prompt 39', options({ chunks: 2 }));
  expect(session.fed).toHaveLength(44);
});

it('gives ids as the type the export declares', async () => {
  const [wide, narrow] = await Promise.all((['int64', 'int32'] as const).map(async (idsType) => {
    const folder = await writeTinyModel({ idsType });
    const session = await openSession(join(folder, 'text_encoder/model.onnx'), 'cpu');
    const encoded = await createSdEncoding(await loadTokenizer(join(folder, 'tokenizer')), session).encode('a b ab', options());
    await session.release();
    return [session.inputs[0]?.type, encoded.embeds] as const;
  }));
  expect([wide?.[0], narrow?.[0]]).toEqual(['int64', 'int32']);
  expect(narrow?.[1]).toEqual(wide?.[1]);
});

it('values that are no numbers are told as such', async () => {
  const session = fakeSession(['last_hidden_state']);
  const broken = { ...session, run: () => Promise.resolve({ last_hidden_state: tensor([1, 1, 1], Float32Array.of(NaN)) }) };
  await expect(createSdEncoding(tokenizer, broken).encode('a', options())).rejects.toMatchObject({ code: 'MODEL_NAN' });
});

describe('clip skip', () => {
  it('is refused on SD with the reason', async () => {
    const refused = (names: string[]): Promise<unknown> =>
      createSdEncoding(tokenizer, fakeSession(names)).encode('a', options({ clipSkip: 1 }));
    const error = (message: RegExp): object => ({ code: 'INVALID_INPUT', field: 'clipSkip', message: expect.stringMatching(message) as unknown });
    await expect(refused(['last_hidden_state'])).rejects.toMatchObject(error(/last layer only/));
    await expect(refused(['last_hidden_state', 'hidden_states.0', 'hidden_states.1'])).rejects.toMatchObject(error(/final layer norm/));
  });

  it('on SDXL takes an earlier state, as long as there is one', async () => {
    const names = ['hidden_states.0', 'hidden_states.1', 'hidden_states.2', 'hidden_states.3', 'text_embeds'];
    const encoding = createSdxlEncoding([{ tokenizer, session: fakeSession(names) }]);
    const firstValue = async (clipSkip: number): Promise<number> =>
      Math.floor((await encoding.encode('a', options({ clipSkip }))).embeds.data[0] ?? NaN);
    const base = Math.floor(0.2 + Math.sin(0.1 * tokenizer.begin));
    expect([await firstValue(0), await firstValue(1), await firstValue(2)]).toEqual([base + 20, base + 10, base]);
    await expect(firstValue(3)).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'clipSkip' });
  });
});

describe('SDXL', () => {
  const hidden = ['hidden_states.0', 'hidden_states.1', 'hidden_states.2'];

  it('puts both encoders side by side, pads the second its own way and pools its first chunk', async () => {
    const [one, two] = [fakeSession(hidden, 2), fakeSession([...hidden, 'text_embeds'], 3)];
    const encoding = createSdxlEncoding([{ tokenizer, session: one }, { tokenizer: { ...tokenizer, padding: 0 }, session: two }]);
    const { embeds, pooled } = await encoding.encode('red BREAK blue', options({ syntax: 'a1111', prompt2: 'green BREAK a BREAK b' }));
    expect(embeds.dims).toEqual([1, 3 * 77, 5]);
    const { end } = tokenizer;
    expect(one.fed.map((ids) => ids.slice(1, 4))).toEqual([
      [...tokenizer.ids('red'), end, end], [...tokenizer.ids('blue'), end, end], [end, end, end],
    ]);
    expect(two.fed.map((ids) => ids.slice(1, 4))).toEqual(['green', 'a', 'b'].map((text) => [...tokenizer.ids(text), tokenizer.end, 0]));
    expect([...(pooled?.data ?? [])]).toEqual([...tokenizer.ids('green'), tokenizer.end]);
    const own = (id: number, column: number): number => 10.2 + Math.sin(0.1 * id + 1.3 * column);
    [own(tokenizer.begin, 0), own(tokenizer.begin, 1), own(tokenizer.begin, 0), own(tokenizer.begin, 1), own(tokenizer.begin, 2)].forEach(
      (value, index) => expect(embeds.data[index]).toBeCloseTo(value, 5),
    );
  });

  it('takes the first text where the second is empty, as diffusers does', async () => {
    const encoding = createSdxlEncoding([
      { tokenizer, session: fakeSession(hidden) },
      { tokenizer, session: fakeSession([...hidden, 'text_embeds']) },
    ]);
    const same = await encoding.encode('red', options());
    expect(await encoding.encode('red', options({ prompt2: '' }))).toEqual(same);
    expect((await encoding.encode('red', options({ prompt2: 'blue' }))).pooled).not.toEqual(same.pooled);
  });

  it('says which output an export lacks', () => {
    expect(() => createSdxlEncoding([{ tokenizer, session: fakeSession(['last_hidden_state', 'text_embeds']) }])).toThrow(/"hidden_states.0"/);
    expect(() => createSdxlEncoding([{ tokenizer, session: fakeSession(hidden) }])).toThrow(/text_encoder_2\/model.onnx .*"text_embeds"/);
  });
});

describe('tiny models', () => {
  const golden = read('encoders.json') as readonly {
    family: 'sd' | 'sdxl' | 'refiner';
    text: string;
    clipSkip: number;
    prompt2: string | null;
    embeds: Samples;
    pooled?: Samples;
  }[];
  const opened: ModelSession[] = [];
  const open = async (name: string): Promise<ModelSession> => {
    const session = await openSession(path(`e2e/fixtures/tiny/parts/${name}/model.onnx`), 'cpu');
    opened.push(session);
    return session;
  };
  afterAll(() => Promise.all(opened.map((session) => session.release())));

  async function encodings(): Promise<Record<'sd' | 'sdxl' | 'refiner', PromptEncoding>> {
    const first = { tokenizer, session: await open('text_encoder_xl') };
    // tokenizer_2 has the same vocabulary and pads with "!", id 0.
    const other = { tokenizer: { ...tokenizer, padding: 0 }, session: await open('text_encoder_2') };
    return {
      sd: createSdEncoding(tokenizer, await open('text_encoder')),
      sdxl: createSdxlEncoding([first, other]),
      refiner: createSdxlEncoding([other]),
    };
  }
  const loaded = encodings();

  it.each(golden)('$family encodes $text, clip skip $clipSkip, second text $prompt2, as diffusers does', async (row) => {
    const { embeds, pooled } = await (await loaded)[row.family].encode(row.text, options({ clipSkip: row.clipSkip, prompt2: row.prompt2 }));
    expectSamples(embeds, row.embeds, 1e-5);
    if (row.pooled === undefined) expect(pooled).toBeNull();
    else expectSamples(pooled ?? tensor([0], new Float32Array()), row.pooled, 1e-5);
  });
});
