import { expect, it } from 'vitest';
import { tensor, type Tensor } from '../tensor/tensor.ts';
import { combineGuidance, rescaleGuidance } from './combine.ts';
import { guidanceEmbedding } from './guidanceEmbedding.ts';

const wave = (f: (x: number) => number): Tensor => tensor([2, 2, 2, 2], Float32Array.from({ length: 16 }, (_, index) => f(index + 1)));

function expectClose(actual: Tensor, wanted: readonly number[], tolerance: number): void {
  expect(actual.data).toHaveLength(wanted.length);
  actual.data.forEach((value, index) => expect(Math.abs(value - (wanted[index] ?? NaN)), `value ${index}`).toBeLessThanOrEqual(tolerance));
}

it('guidance goes from the unconditional output past the conditional one', () => {
  const [u, c] = [tensor([1], Float32Array.of(1)), tensor([1], Float32Array.of(1.5))];
  expect(Array.from(combineGuidance(u, c, 3).data)).toEqual([2.5]);
});

it('rescale is rescale_noise_cfg of diffusers, every picture by itself', () => {
  // rescale_noise_cfg(3 cos(i), sin(i), 0.7) of diffusers 0.42.1, i = 1..16 as 2 x 2 x 2 x 2.
  const wanted = [
    0.9054245, -0.6973679, -1.659003, -1.095359, 0.4753537, 1.609028, 1.26337, -0.2438251, -1.390296, -1.280341, 0.006753184,
    1.287639, 1.384675, 0.2086477, -1.15921, -1.461295,
  ];
  expectClose(rescaleGuidance(wave((i) => 3 * Math.cos(i)), wave(Math.sin), 0.7), wanted, 5e-7);
});

it('the embedding of a guidance scale is that of diffusers, for every row', () => {
  // get_guidance_scale_embedding(scale - 1, embedding_dim) of diffusers 0.42.1.
  const of85 = [
    -0.8512358665466309, 0.7451136708259583, -0.38778164982795715, 0.9379998445510864, 0.6816387176513672, -0.5247832536697388,
    -0.666937530040741, 0.9217512607574463, 0.34663575887680054, 0.731688916683197,
  ];
  expectClose(guidanceEmbedding(8.5, 10, 2), [...of85, ...of85], 1e-6);
  const of23 = [
    -0.58051300048828, 0.4201670289039612, 0.12963412702083588, 0.814250946044922, 0.9074468016624451, 0.9915618896484375, 0,
  ];
  expectClose(guidanceEmbedding(2.3, 7, 1), of23, 1e-6);
});
