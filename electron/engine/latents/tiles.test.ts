import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { tinyFixtures } from '../../../e2e/parity/tiny/folder.ts';
import { openSession } from '../ort/session.ts';
import type { ModelSession } from '../tensor/modelSession.ts';
import { elementCount, tensor, type Tensor } from '../tensor/tensor.ts';
import { type LatentSpace, readLatentSpace, sd1Latents } from './latentSpace.ts';
import { decodeCut, encodeCut, isTiled, runTiled } from './tiles.ts';
import { decodeLatents } from './vae.ts';

interface Case {
  readonly kind: 'decode' | 'encode';
  /** Height and width in latents. */
  readonly sides: readonly [number, number];
  readonly tile: number;
  readonly dims: readonly number[];
  readonly values: readonly number[];
}

/** By e2e/fullsize/make_tile_goldens.py. */
const golden = JSON.parse(await readFile(path.join(import.meta.dirname, 'golden/tiles.json'), 'utf8')) as { every: number; cases: Case[] };
const sessions: Partial<Record<Case['kind'], ModelSession>> = {};
const pixelFactor = 8;

beforeAll(async () => {
  for (const kind of ['decode', 'encode'] as const) {
    sessions[kind] = await openSession(path.join(tinyFixtures, `parts/vae_${kind}r/model.onnx`), 'cpu');
  }
});

/** As in the script. */
function formula(dims: readonly number[], scale: number): Tensor {
  return tensor(dims, Float32Array.from({ length: elementCount(dims) }, (_, index) => Math.sin(index * 0.7) * scale));
}

function runWith(session: ModelSession | undefined): (part: Tensor) => Promise<Tensor> {
  return async (part) => {
    const results = await session?.run({ [session.inputs[0]?.name ?? '']: part });
    return Object.values(results ?? {})[0] ?? tensor([0], new Float32Array());
  };
}

it.each(golden.cases)('tiles of $tile latents of $sides $kind as in diffusers', async ({ kind, sides, tile, dims, values }) => {
  const [height, width] = sides;
  const [input, cut] =
    kind === 'decode'
      ? [formula([1, 4, height, width], 4), decodeCut(tile, pixelFactor)]
      : [formula([1, 3, height * pixelFactor, width * pixelFactor], 0.9), encodeCut(tile, pixelFactor)];
  const result = await runTiled(input, cut, runWith(sessions[kind]));
  expect(result.dims).toEqual(dims);
  const taken = result.data.filter((_, index) => index % golden.every === 0);
  expect(taken).toHaveLength(values.length);
  const largest = Math.max(...values.map(Math.abs));
  const difference = Math.max(...values.map((value, index) => Math.abs(value - (taken[index] ?? NaN))));
  expect(difference / largest).toBeLessThan(2e-5);
});

it('a result that is the same in every tile has no seam', async () => {
  // Nearest upsampling knows no neighbours: tiles differ from the whole by nothing but their blending.
  const upsample = ({ dims, data }: Tensor): Promise<Tensor> => {
    const [, channels = 0, height = 0, width = 0] = dims;
    const big = new Float32Array(channels * height * width * 64);
    big.forEach((_, index) => {
      const [x, y, channel] = [index % (width * 8), Math.floor(index / (width * 8)) % (height * 8), Math.floor(index / (width * height * 64))];
      big[index] = data[(channel * height + Math.floor(y / 8)) * width + Math.floor(x / 8)] ?? NaN;
    });
    return Promise.resolve(tensor([1, channels, height * 8, width * 8], big));
  };
  const latents = formula([1, 3, 21, 34], 1);
  const whole = await upsample(latents);
  const tiled = await runTiled(latents, decodeCut(8, pixelFactor), upsample);
  expect(tiled.dims).toEqual(whole.dims);
  const difference = tiled.data.reduce((most, value, index) => Math.max(most, Math.abs(value - (whole.data[index] ?? NaN))), 0);
  expect(difference).toBeLessThan(2e-7);
});

it('neighbouring pixels differ no more across the edges of tiles than elsewhere', async () => {
  const latents = formula([1, 4, 24, 24], 4);
  const { data, dims } = await runTiled(latents, decodeCut(8, pixelFactor), runWith(sessions.decode));
  const [, channels = 0, height = 0, width = 0] = dims;
  const steps = Array.from({ length: width - 1 }, (_, x) => {
    let sum = 0;
    for (let line = 0; line < channels * height; line++) sum += Math.abs((data[line * width + x + 1] ?? 0) - (data[line * width + x] ?? 0));
    return sum / (channels * height);
  });
  // Each tile gives 48 columns; hard edges would be there.
  const edges = [47, 95, 143].map((x) => steps[x] ?? Infinity);
  const sorted = [...steps].sort((a, b) => a - b);
  expect(Math.max(...edges)).toBeLessThan(sorted[Math.floor(sorted.length * 0.9)] ?? 0);
});

it('latents no larger than a tile are decoded as a whole, and larger ones tile by tile', async () => {
  const space: LatentSpace = readLatentSpace({}, null, sd1Latents);
  const sides: number[][] = [];
  const decoder = sessions.decode;
  if (decoder === undefined) throw new Error('no decoder');
  const counting: ModelSession = {
    ...decoder,
    inputs: decoder.inputs,
    outputs: decoder.outputs,
    release: () => Promise.resolve(),
    run: (feeds) => {
      sides.push([...(Object.values(feeds)[0]?.dims ?? [])]);
      return decoder.run(feeds);
    },
  };
  const whole = await decodeLatents(counting, formula([1, 4, 8, 8], 1), space, 8);
  expect([sides, whole[0]?.width]).toEqual([[[1, 4, 8, 8]], 64]);
  sides.length = 0;
  const [image] = await decodeLatents(counting, formula([1, 4, 8, 12], 1), space, 8);
  expect(sides).toEqual([[1, 4, 8, 8], [1, 4, 8, 6], [1, 4, 2, 8], [1, 4, 2, 6]]);
  expect([image?.width, image?.height]).toEqual([96, 64]);
  expect(isTiled(formula([1, 4, 8, 9], 1), decodeCut(8, pixelFactor))).toBe(true);
});
