import { batchSize, type GenerationRequest } from '../../../shared/generation.ts';
import type { Pipeline } from '../pipelines/pipeline.ts';
import type { Stepper } from '../schedulers/scheduler.ts';
import type { NoiseSource } from '../tensor/random.ts';
import { mapTensor, repeatRows, type Tensor } from '../tensor/tensor.ts';

/** The noise a run begins with, [B, C, h, w]. */
export function drawNoise(request: GenerationRequest, { latentSpace }: Pipeline, noise: NoiseSource): Tensor {
  const { channels, pixelFactor } = latentSpace;
  return noise.normal([batchSize(request), channels, request.height / pixelFactor, request.width / pixelFactor]);
}

/** Noise as the sample of a run that knows no picture. */
export function pureNoise(noise: Tensor, { initNoiseSigma }: Stepper): Tensor {
  const scale = Math.fround(initNoiseSigma);
  return mapTensor(noise, (value) => value * scale);
}

/**
 * A picture's latents for every row of the batch. With a seed a picture each row is drawn from its own stream, so that it
 * equals the run of that seed alone; one stream is drawn from once, and all rows are that draw, as in diffusers.
 * @param pixels [1, 3, H, W]
 * @returns [B, C, h, w]
 */
export async function encodeForBatch(
  pixels: Tensor,
  request: GenerationRequest,
  pipeline: Pipeline,
  noise: NoiseSource,
): Promise<Tensor> {
  const batch = batchSize(request);
  const rows = request.batchSeeds === 'per-image' ? batch : 1;
  return repeatRows(await pipeline.encodeImage(pixels, rows, noise, request.task), batch / rows);
}
