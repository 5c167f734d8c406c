import type { RgbImage } from '../../../shared/engineProtocol.ts';
import { StopbathError } from '../../../shared/errors.ts';
import type { ModelSession } from '../tensor/modelSession.ts';
import type { NoiseSource } from '../tensor/random.ts';
import { elementCount, isFiniteTensor, mapTensor, repeatRows, sliceRows, tensor, type Tensor } from '../tensor/tensor.ts';
import type { LatentSpace } from './latentSpace.ts';
import { toByte } from './project.ts';
import { decodeCut, encodeCut, isTiled, runTiled, type TileCut } from './tiles.ts';

const { fround } = Math;

/** The first picture of a batch [B, 3, H, W] in -1..1. */
function imageOf(pixels: Tensor): RgbImage {
  const [, , height = 0, width = 0] = pixels.dims;
  const area = height * width;
  const rgb = new Uint8Array(area * 3);
  for (let pixel = 0; pixel < area; pixel++) {
    for (let colour = 0; colour < 3; colour++) rgb[pixel * 3 + colour] = toByte(pixels.data[colour * area + pixel] ?? 0);
  }
  return { width, height, rgb };
}

/**
 * Decodes model-scale latents [B, C, h, w], one picture after the other: a batch at once needs B times the memory.
 * @param tile side of the overlapping tiles to decode one by one, in latents; null: each picture as a whole
 * @throws StopbathError `MODEL_NAN` when the decoder overflows, as half-precision SDXL decoders do.
 */
export async function decodeLatents(decoder: ModelSession, latents: Tensor, space: LatentSpace, tile: number | null = null): Promise<RgbImage[]> {
  const input = decoder.inputs[0]?.name ?? 'latent_sample';
  const output = decoder.outputs[0]?.name ?? 'sample';
  const images: RgbImage[] = [];
  for (let row = 0; row < (latents.dims[0] ?? 0); row++) {
    const decode = async (part: Tensor): Promise<Tensor> => {
      const pixels = (await decoder.run({ [input]: part }))[output];
      if (pixels === undefined || !isFiniteTensor(pixels)) throw vaeNan('decoder');
      return pixels;
    };
    const cut = tile === null ? null : decodeCut(tile, space.pixelFactor);
    images.push(imageOf(await inTiles(toVae(sliceRows(latents, row, row + 1), space), cut, decode)));
  }
  return images;
}

function inTiles(input: Tensor, cut: TileCut | null, run: (part: Tensor) => Promise<Tensor>): Promise<Tensor> {
  return cut === null || !isTiled(input, cut) ? run(input) : runTiled(input, cut, run);
}

export interface EncodeOptions {
  readonly space: LatentSpace;
  /** Pictures to draw from the posterior: each has noise of its own. */
  readonly rows: number;
  readonly noise: NoiseSource;
  /** Whether the latents are brought to the mean and spread the model was trained with, where its config has them. */
  readonly standardise: boolean;
  /** Side of the overlapping tiles to encode one by one, in latents; left out: the picture as a whole. */
  readonly tile?: number | null;
}

/**
 * Encodes a picture to model-scale latents: a sample of the posterior, mean + exp(logvar / 2) * noise, as diffusers takes it.
 * @param pixels [1, 3, H, W] in -1..1
 * @returns [rows, C, h, w]
 * @throws StopbathError `MODEL_NAN`, `MODEL_UNSUPPORTED` (outputs of an unknown kind).
 */
export async function encodePixels(encoder: ModelSession, pixels: Tensor, options: EncodeOptions): Promise<Tensor> {
  const { space, rows, tile = null } = options;
  const encode = async (part: Tensor): Promise<Tensor> => {
    const results = await encoder.run({ [encoder.inputs[0]?.name ?? 'sample']: part });
    const name = encoder.outputs[0]?.name ?? '';
    const result = results['latent_parameters'] ?? results['latent_sample'] ?? results[name];
    if (result === undefined || !isFiniteTensor(result)) throw vaeNan('encoder');
    return result;
  };
  const result = await inTiles(pixels, tile === null ? null : encodeCut(tile, space.pixelFactor), encode);
  const [, channels = 0] = result.dims;
  if (channels === 2 * space.channels) return toModel(samplePosterior(result, options), options);
  if (channels === space.channels) {
    // Exports before 2024-10 sample inside the graph, without a seed: nothing is drawn here, as in diffusers.
    return toModel(repeatRows(result, rows), options);
  }
  throw new StopbathError({
    code: 'MODEL_UNSUPPORTED',
    message: `vae_encoder/model.onnx gives ${channels} channels for latents of ${space.channels}.`,
  });
}

/** @param parameters [1, 2C, h, w]: means, then logarithms of variances */
function samplePosterior(parameters: Tensor, { space, rows, noise }: EncodeOptions): Tensor {
  const [, , height = 0, width = 0] = parameters.dims;
  const drawn = noise.normal([rows, space.channels, height, width]);
  const size = elementCount([space.channels, height, width]);
  const deviations = parameters.data.slice(size).map((logvar) => Math.exp(fround(0.5 * Math.min(Math.max(logvar, -30), 20))));
  const data = drawn.data.map((value, index) => {
    const place = index % size;
    return (parameters.data[place] ?? 0) + fround((deviations[place] ?? 0) * value);
  });
  return tensor(drawn.dims, data);
}

function toModel(z: Tensor, { space, standardise }: EncodeOptions): Tensor {
  const scale = fround(space.scalingFactor);
  const { statistics } = space;
  if (statistics === null || !standardise) return mapTensor(z, (value) => value * scale);
  return mapChannels(z, (value, channel) => {
    const moved = fround(value - fround(statistics.mean[channel] ?? 0));
    return fround(moved * scale) / fround(statistics.std[channel] ?? 1);
  });
}

function toVae(latents: Tensor, { scalingFactor, statistics }: LatentSpace): Tensor {
  const scale = fround(scalingFactor);
  if (statistics === null) return mapTensor(latents, (value) => value / scale);
  return mapChannels(latents, (value, channel) => {
    const spread = fround(fround(value * fround(statistics.std[channel] ?? 1)) / scale);
    return spread + fround(statistics.mean[channel] ?? 0);
  });
}

function mapChannels(a: Tensor, f: (value: number, channel: number) => number): Tensor {
  const [, channels = 1, height = 1, width = 1] = a.dims;
  const area = height * width;
  return tensor(a.dims, a.data.map((value, index) => f(value, Math.floor(index / area) % channels)));
}

function vaeNan(part: 'encoder' | 'decoder'): StopbathError {
  return new StopbathError({
    code: 'MODEL_NAN',
    message: `vae_${part}/model.onnx gave values that are no numbers.`,
    nextStep: `Use a full-precision (fp32) version of vae_${part}, or choose the CPU.`,
  });
}
