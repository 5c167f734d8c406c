import { expect, it } from 'vitest';
import type { ModelSession } from '../tensor/modelSession.ts';
import { TorchGenerator } from '../tensor/random.ts';
import { tensor, type Tensor, zeros } from '../tensor/tensor.ts';
import { blendKnown } from './blend.ts';
import { type LatentSpace, readLatentSpace, sd1Latents, sdxlLatents } from './latentSpace.ts';
import { decodeLatents, encodePixels } from './vae.ts';

/** A session that gives one answer, and keeps what it was fed. */
function session(output: string, answer: Tensor, fed: Tensor[] = []): ModelSession {
  return {
    inputs: [{ name: 'in', type: 'float32', dims: [] }],
    outputs: [{ name: output, type: 'float32', dims: [] }],
    run: (feeds) => {
      fed.push(feeds['in'] ?? zeros([0]));
      return Promise.resolve({ [output]: answer });
    },
    release: () => Promise.resolve(),
  };
}

const plain = readLatentSpace({}, null, sd1Latents);
const statistics = { mean: [0.5, -0.5, 1, 2], std: [2, 3, 0.5, 1.5] };
const moved: LatentSpace = readLatentSpace(
  { scaling_factor: 0.5, latents_mean: statistics.mean, latents_std: statistics.std },
  null,
  sdxlLatents,
);
const pixels = zeros([1, 3, 8, 16]);
const parameters = tensor(
  [1, 8, 1, 2],
  Float32Array.of(...Array.from({ length: 8 }, (_, index) => Math.sin(index)), -40, -2, -1, 0, 1, 2, 3, 25),
);
const encode = (output: string, answer: Tensor, rows: number, space: LatentSpace, standardise = true): Promise<Tensor> =>
  encodePixels(session(output, answer), pixels, { space, rows, noise: new TorchGenerator('7'), standardise });

function expectClose(actual: Tensor, wanted: readonly number[]): void {
  expect(actual.data).toHaveLength(wanted.length);
  wanted.forEach((value, index) => expect(Math.abs((actual.data[index] ?? NaN) - value)).toBeLessThanOrEqual(2e-6 * Math.max(1, Math.abs(value))));
}

// DiagonalGaussianDistribution(parameters).sample(generator of seed 7) of diffusers 0.42.1: times 0.18215, and standardised.
const scaled = [
  -8.179438459876565e-9, 0.20595267415046692, 0.2702329456806183, -0.1772727519273758, 0.3699173331260681, -0.6177287101745605,
  -0.3412063419818878, 4944.60009765625,
];
const standardised = [
  -0.1250000149011612, 0.1576690375804901, 0.33059561252593994, -0.07887066155672073, 1.030838966369629, -4.391318321228027,
  -1.2910720109939575, 9047.9189453125,
];

it('a picture becomes a sample of its posterior, the logarithm of the variance kept between -30 and 20', async () => {
  const latents = await encode('latent_parameters', parameters, 1, plain);
  expect(latents.dims).toEqual([1, 4, 1, 2]);
  expectClose(latents, scaled);
  expectClose(await encode('latent_parameters', parameters, 1, moved), standardised);
  expectClose(await encode('latent_parameters', parameters, 1, moved, false), scaled.map((value) => (value / 0.18215) * 0.5));
});

it('every row has noise of its own', async () => {
  const both = await encode('latent_parameters', parameters, 2, plain);
  expect(both.dims).toEqual([2, 4, 1, 2]);
  expect(both.data[9]).not.toBe(both.data[1]);
});

it('an export that samples by itself is taken as it is, and draws nothing', async () => {
  const noise = new TorchGenerator('7');
  const answer = tensor([1, 4, 1, 2], Float32Array.from({ length: 8 }, (_, index) => index));
  const latents = await encodePixels(session('latent_sample', answer), pixels, { space: plain, rows: 2, noise, standardise: true });
  expect(Array.from(latents.data, (value) => Math.round(value / 0.18215))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7]);
  expect(noise.normal([3])).toEqual(new TorchGenerator('7').normal([3]));
  await expect(encode('other', zeros([1, 5, 1, 2]), 1, plain)).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' });
  await expect(encode('latent_sample', tensor([1, 4, 1, 2], new Float32Array(8).fill(NaN)), 1, plain)).rejects.toMatchObject({ code: 'MODEL_NAN' });
});

it('decoding undoes what encoding did, picture by picture', async () => {
  const fed: Tensor[] = [];
  const latents = tensor([2, 4, 1, 2], Float32Array.from({ length: 16 }, (_, index) => index - 8));
  const images = await decodeLatents(session('sample', zeros([1, 3, 8, 16]), fed), latents, moved);
  expect(images.map(({ width, height }) => [width, height])).toEqual([[16, 8], [16, 8]]);
  expect(fed.map(({ dims }) => dims)).toEqual([[1, 4, 1, 2], [1, 4, 1, 2]]);
  // (-8 * 2) / 0.5 + 0.5, and of the second picture's last channel (7 * 1.5) / 0.5 + 2.
  expect([fed[0]?.data[0], fed[1]?.data[7]]).toEqual([-31.5, 23]);
});

it('mean and deviation count together, for SDXL only', () => {
  expect(moved.statistics).toEqual(statistics);
  expect(readLatentSpace({ latents_mean: statistics.mean }, null, sdxlLatents).statistics).toBeNull();
  expect(() => readLatentSpace({ latents_mean: [1], latents_std: [1] }, null, sdxlLatents)).toThrow(/latents/);
});

it('the known picture is put back outside the mask, row by row', () => {
  const drawn = tensor([2, 2, 1, 2], new Float32Array(8).fill(1));
  const known = tensor([2, 2, 1, 2], Float32Array.of(10, 20, 30, 40, 50, 60, 70, 80));
  const mask = tensor([2, 1, 1, 2], Float32Array.of(1, 0, 0, 0.5));
  expect(Array.from(blendKnown(drawn, known, mask).data)).toEqual([1, 20, 1, 40, 50, 30.5, 70, 40.5]);
});
