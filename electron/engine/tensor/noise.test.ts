import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { NoiseKind } from '../../../shared/generation.ts';
import { createNoise } from './noise.ts';
import { type PhiloxBlock, philox4x32 } from './philox.ts';
import { sliceRows } from './tensor.ts';

interface Draw {
  readonly dims: readonly number[];
  readonly at: readonly number[];
  readonly values: readonly number[];
}
interface Row {
  readonly seed: string;
  /** 0: the infinite grid. */
  readonly sms?: number;
  readonly threadsPerSm?: number;
  readonly draws: readonly Draw[];
}
const rowsOf = (name: string): readonly Row[] => {
  const text = readFileSync(new URL(`golden/${name}.json`, import.meta.url), 'utf8');
  return (JSON.parse(text) as { rows: Row[] }).rows;
};

const cpu: NoiseKind = { kind: 'torch-cpu' };
const nv: NoiseKind = { kind: 'a1111-nv' };
const cuda = (sms: number, threadsPerSm: number): NoiseKind => ({ kind: 'torch-cuda', sms, threadsPerSm });
const one = { count: 1, mode: 'per-image' } as const;

/** Largest difference to the reference over all draws of a row, in their order. */
function largestDifference(kind: NoiseKind, row: Row): number {
  const noise = createNoise(kind, row.seed, one);
  let largest = 0;
  for (const { dims, at, values } of row.draws) {
    const { data } = noise.normal(dims);
    at.forEach((index, i) => {
      largest = Math.max(largest, Math.abs((data[index] ?? NaN) - (values[i] ?? NaN)));
    });
  }
  return largest;
}

const named = (rows: readonly Row[]) =>
  rows.map((row) => [`${row.seed}${row.sms === undefined || row.sms === 0 ? '' : ` on ${row.sms} SMs`}: ${row.draws.map(({ dims }) => dims.join('x')).join(', ')}`, row] as const);

describe('the noise of torch on the CPU', () => {
  it.each(named(rowsOf('cpu')))('seed %s', (_, row) => {
    expect(largestDifference(cpu, row)).toBeLessThan(2e-6);
  });
});

describe('Philox', () => {
  /** kat_vectors of Random123. */
  const known: readonly (readonly [PhiloxBlock, readonly [number, number], PhiloxBlock])[] = [
    [[0, 0, 0, 0], [0, 0], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]],
    [[0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]],
    [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]],
  ];
  it.each(known)('%j with key %j', (counter, key, words) => {
    expect(philox4x32(counter, key)).toEqual(words);
  });

  it.each(named(rowsOf('cuda')))('seed %s', (_, row) => {
    const { sms = 0, threadsPerSm = 0 } = row;
    expect(largestDifference(sms === 0 ? nv : cuda(sms, threadsPerSm), row)).toBeLessThan(2e-6);
  });

  /** What torch gave on cards; the first twelve of seed 0 stand in A1111's modules/rng_philox.py. */
  const onCards: readonly (readonly [seed: string, at: number, values: readonly number[]])[] = [
    ['0', 0, [-0.92466259, -0.42534415, -2.6438457, 0.14518388, -0.12086647, -0.57972564, -0.62285122, -0.32838709, -1.07454231, -0.36314407, -1.67105067, 2.26550497]],
    ['1', 0, [-0.296278, 2.676448, -0.140846]],
    ['42', 0, [0.194019, 2.161374, -0.172051, 0.84906]],
    ['42', 8, [0.527965]],
    ['42', 16383, [0.082989]],
  ];
  it.each(onCards)('latents of 512 px as cards draw them: seed %s from %d', (seed, at, values) => {
    for (const kind of [nv, cuda(28, 1536), cuda(128, 1536)]) {
      const { data } = createNoise(kind, seed, one).normal([1, 4, 64, 64]);
      values.forEach((value, index) => expect(Math.abs((data[at + index] ?? NaN) - value)).toBeLessThan(2e-6));
    }
  });

  it('draws further values at the second call', () => {
    for (const kind of [nv, cuda(28, 1536)]) {
      const noise = createNoise(kind, '0', one);
      noise.normal([12]);
      const { data } = noise.normal([12]);
      [0.180826, -0.552263, 0.923813].forEach((value, index) => expect(data[index]).toBeCloseTo(value, 5));
    }
  });

  it('depends on the card where the tensor has more values than the card has threads', () => {
    const infinite = createNoise(nv, '42', one).normal([1, 4, 128, 128]).data;
    const small = createNoise(cuda(28, 1536), '42', one).normal([1, 4, 128, 128]).data;
    expect(infinite[43008]).toBeCloseTo(-0.337038, 5);
    expect(small[43008]).toBeCloseTo(-0.97019, 5);
    let different = 0;
    infinite.forEach((value, index) => (different += Math.abs(value - (small[index] ?? NaN)) > 1e-3 ? 1 : 0));
    expect(different).toBeGreaterThan(22_500);
    expect(different).toBeLessThanOrEqual(22_528);
  });
});

const kinds: readonly NoiseKind[] = [cpu, nv, cuda(1, 256), cuda(28, 1536)];

describe('the noise of a batch', () => {
  it.each(kinds)('picture by picture equals the single runs of $kind', (kind) => {
    const batch = createNoise(kind, '18446744073709551614', { count: 3, mode: 'per-image' });
    const singles = ['18446744073709551614', '18446744073709551615', '0'].map((seed) => createNoise(kind, seed, one));
    for (const sides of [[4, 8, 8], [3, 5], [4, 9, 9]]) {
      const drawn = batch.normal([3, ...sides]);
      expect(drawn.dims).toEqual([3, ...sides]);
      singles.forEach((single, row) => expect(sliceRows(drawn, row, row + 1)).toEqual(single.normal([1, ...sides])));
    }
  });

  it.each(kinds)('shared is one draw of $kind for all', (kind) => {
    const shared = createNoise(kind, '5', { count: 3, mode: 'shared' });
    expect(shared.normal([3, 4, 5, 5])).toEqual(createNoise(kind, '5', one).normal([3, 4, 5, 5]));
  });

  it('moves only the generators of the rows it is asked for', () => {
    const batch = createNoise(cpu, '5', { count: 2, mode: 'per-image' });
    expect(batch.normal([1, 4, 4, 4])).toEqual(createNoise(cpu, '5', one).normal([1, 4, 4, 4]));
    expect(sliceRows(batch.normal([2, 4, 4, 4]), 1, 2)).toEqual(createNoise(cpu, '6', one).normal([1, 4, 4, 4]));
    expect(() => batch.normal([3, 4])).toThrow(/3 rows/);
  });
});

describe('the state of a noise source', () => {
  const batches = kinds.flatMap((kind) => (['shared', 'per-image'] as const).map((mode) => ({ kind, mode })));
  it.each(batches)('goes on the same after JSON: $kind.kind, $mode', ({ kind, mode }) => {
    const noise = createNoise(kind, '9', { count: 2, mode });
    noise.normal([2, 3]);
    noise.normal([2, 4, 9, 9]);
    const copy = createNoise(kind, '9', { count: 2, mode });
    copy.restore(JSON.parse(JSON.stringify(noise.snapshot())));
    expect(copy.normal([2, 1, 1])).toEqual(noise.normal([2, 1, 1]));
    expect(copy.normal([2, 4, 9, 9])).toEqual(noise.normal([2, 4, 9, 9]));
  });

  it('of another source is refused', () => {
    const two = { count: 2, mode: 'per-image' } as const;
    for (const state of [null, 3, [], {}, { drawn: -1 }, { drawn: 0.5 }, { words: [1] }, createNoise(cpu, '0', { count: 3, mode: 'per-image' }).snapshot()]) {
      for (const kind of kinds) {
        for (const rows of [one, two]) {
          expect(() => createNoise(kind, '0', rows).restore(state)).toThrow(/random state/);
        }
      }
    }
    expect(() => createNoise(nv, '0', two).restore(createNoise(cpu, '0', two).snapshot())).toThrow(/random state/);
    expect(() => createNoise(cpu, '0', one).restore(createNoise(nv, '0', one).snapshot())).toThrow(/random state/);
  });
});
