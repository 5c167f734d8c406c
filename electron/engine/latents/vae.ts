import type { RgbImage } from '../../../shared/engineProtocol.ts';
import { StopbathError } from '../../../shared/errors.ts';
import type { ModelSession } from '../tensor/modelSession.ts';
import { isFiniteTensor, mapTensor, sliceRows, type Tensor } from '../tensor/tensor.ts';
import { toByte } from './project.ts';

/** The first picture of a batch [B, 3, H, W] in -1..1. */
export function imageOf(pixels: Tensor): RgbImage {
  const [, , height = 0, width = 0] = pixels.dims;
  const area = height * width;
  const rgb = new Uint8Array(area * 3);
  for (let pixel = 0; pixel < area; pixel++) {
    for (let colour = 0; colour < 3; colour++) rgb[pixel * 3 + colour] = toByte(pixels.data[colour * area + pixel] ?? 0);
  }
  return { width, height, rgb };
}

/**
 * Decodes the first picture of model-scale latents [B, C, h, w].
 * @throws StopbathError `MODEL_NAN` when the decoder overflows, as half-precision SDXL decoders do.
 */
export async function decodeLatents(decoder: ModelSession, latents: Tensor, scalingFactor: number): Promise<RgbImage> {
  const input = decoder.inputs[0]?.name ?? 'latent_sample';
  const output = decoder.outputs[0]?.name ?? 'sample';
  const scale = Math.fround(scalingFactor);
  const scaled = mapTensor(sliceRows(latents, 0, 1), (value) => value / scale);
  const pixels = (await decoder.run({ [input]: scaled }))[output];
  if (pixels === undefined || !isFiniteTensor(pixels)) {
    throw new StopbathError({
      code: 'MODEL_NAN',
      message: 'The decoder gave values that are no numbers.',
      nextStep: 'Use a full-precision (fp32) version of the decoder.',
    });
  }
  return imageOf(pixels);
}
