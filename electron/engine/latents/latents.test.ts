import { expect, it } from 'vitest';
import { tensor } from '../tensor/tensor.ts';
import { readLatentSpace, sd1Latents } from './latentSpace.ts';
import { projectLatents, toByte } from './project.ts';

it('bytes round as numpy does', () => {
  expect([-2, -1, 0, 1, 3].map(toByte)).toEqual([0, 0, 128, 255, 255]);
  // 0.5 / 255 steps: 127.5 -> 128, 126.5 -> 126.
  expect(toByte((126.5 / 255 - 0.5) * 2)).toBe(126);
});

it('projects every picture of a batch, channel by channel', () => {
  const latents = tensor([2, 2, 1, 2], Float32Array.of(1, 0, 0, 1, 0, 1, 1, 0));
  const map = { factors: [[1, 0, 0], [0, -1, 0]], bias: [0, 0, 1] };
  expect(projectLatents(latents, map)).toEqual([
    { width: 2, height: 1, rgb: Uint8Array.of(255, 128, 255, 128, 0, 255) },
    { width: 2, height: 1, rgb: Uint8Array.of(128, 0, 255, 255, 128, 255) },
  ]);
});

it('reads a latent space from the files, the family filling the gaps', () => {
  expect(readLatentSpace({}, null, sd1Latents)).toMatchObject({ scalingFactor: 0.18215, channels: 4, pixelFactor: 8, preview: sd1Latents.preview });
  const own = { factors: Array.from({ length: 4 }, () => [0, 0, 0]), bias: [0, 0, 0] };
  const vae = { scaling_factor: 0.5, block_out_channels: [1, 2, 3] };
  expect(readLatentSpace(vae, own, sd1Latents)).toMatchObject({ scalingFactor: 0.5, pixelFactor: 4, preview: own });
  expect(readLatentSpace({}, { ...own, factors: [[1, 1, 1]] }, sd1Latents).preview).toBe(sd1Latents.preview);
  expect(() => readLatentSpace({ latents_mean: [1] }, null, sd1Latents)).toThrow(/latents/);
});
