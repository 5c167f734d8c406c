import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tinyModelFolder } from '../../../e2e/parity/tiny/folder.ts';
import { decodeImage } from '../../media/decode.ts';
import { onnxModel } from '../graph/onnx/model.ts';
import { type LatentSpace, readLatentSpace, sd1Latents } from '../latents/latentSpace.ts';
import { decodeLatents, encodePixels } from '../latents/vae.ts';
import { openSession } from '../ort/session.ts';
import { TorchGenerator } from '../tensor/random.ts';
import { mapTensor, type Tensor, tensor } from '../tensor/tensor.ts';
import { readModelJson } from './modelFolder.ts';
import { type DecodedExample, drawnLatents, explainedBy, fitPreviewMap, probePictures } from './previewFit.ts';
import { openPipeline } from './registry.ts';

const space = readLatentSpace({}, null, sd1Latents);

/** Latents and the picture a known linear map makes of them, with 8-bit rounding. */
function painted(latents: Tensor, factors: readonly (readonly number[])[], bias: readonly number[]): DecodedExample {
  const [, , height = 0, width = 0] = latents.dims;
  const [sideY, sideX] = [height * 8, width * 8];
  const rgb = new Uint8Array(sideX * sideY * 3);
  for (let pixel = 0; pixel < sideX * sideY; pixel++) {
    const place = Math.floor(pixel / sideX / 8) * width + Math.floor((pixel % sideX) / 8);
    for (let k = 0; k < 3; k++) {
      const value = factors.reduce((sum, row, channel) => sum + (row[k] ?? 0) * (latents.data[channel * height * width + place] ?? 0), bias[k] ?? 0);
      rgb[pixel * 3 + k] = Math.round((Math.min(Math.max(value, -1), 1) / 2 + 0.5) * 255);
    }
  }
  return { latents, image: { width: sideX, height: sideY, rgb } };
}

it('a linear decoder is found again', () => {
  const factors = [[0.1, 0, -0.05], [0, 0.12, 0], [0.03, -0.06, 0.1], [-0.02, 0.04, 0.08]];
  const bias = [0.1, -0.2, 0.05];
  const examples = drawnLatents(space).map((latents) => painted(latents, factors, bias));
  const fitted = fitPreviewMap(examples, 4);
  fitted.factors.flat().forEach((value, index) => expect(value).toBeCloseTo(factors.flat()[index] ?? NaN, 2));
  fitted.bias.forEach((value, index) => expect(value).toBeCloseTo(bias[index] ?? NaN, 2));
  expect(explainedBy(fitted, examples)).toBeGreaterThan(0.999);
  // One grey for all explains nothing.
  expect(explainedBy({ factors: factors.map(() => [0, 0, 0]), bias: [0, 0, 0] }, examples)).toBeLessThanOrEqual(0);
});

it('a channel that never varies does no harm', () => {
  const still = drawnLatents(space).map((latents) => {
    const area = latents.data.length / 4;
    return tensor(latents.dims, latents.data.map((value, index) => (index < area ? 0 : value)));
  });
  const fitted = fitPreviewMap(still.map((latents) => painted(latents, [[9, 9, 9], [0.1, 0, 0], [0, 0.1, 0], [0, 0, 0.1]], [0, 0, 0])), 4);
  expect(fitted.factors[0]).toEqual([0, 0, 0]);
  expect(fitted.factors[1]?.[0]).toBeCloseTo(0.1, 2);
});

const starter = join(import.meta.dirname, '../../../assets/starter');

/** Pictures of the built-in model (its contact sheet): [1, 3, 128, 128] each. */
async function realPictures(): Promise<Tensor[]> {
  const { width, height, rgb } = decodeImage(await readFile(join(starter, 'contact-sheet.png')), 'image');
  const pictures: Tensor[] = [];
  const side = 128;
  for (let y = 0; y + side <= height && pictures.length < 8; y += side) {
    for (let x = 0; x + side <= width && pictures.length < 8; x += side) {
      const data = Float32Array.from({ length: 3 * side * side }, (_, index) => {
        const [k, place] = [Math.floor(index / (side * side)), index % (side * side)];
        return (rgb[((y + Math.floor(place / side)) * width + x + (place % side)) * 3 + k] ?? 0) / 127.5 - 1;
      });
      pictures.push(tensor([1, 3, side, side], data));
    }
  }
  return pictures;
}

it("the built-in model's decoder: a fit on made-up pictures explains real ones nearly as well as a fit on them", async () => {
  const [encoder, decoder] = [await openSession(join(starter, 'vae_encoder/model.onnx'), 'cpu'), await openSession(join(starter, 'vae_decoder/model.onnx'), 'cpu')];
  const own: LatentSpace = readLatentSpace(await readModelJson(starter, 'vae_decoder/config.json'), await readModelJson(starter, 'preview.json'), sd1Latents);
  const decodeAll = async (all: readonly Tensor[]): Promise<DecodedExample[]> => {
    const examples: DecodedExample[] = [];
    for (const latents of all) for (const image of await decodeLatents(decoder, latents, own)) examples.push({ latents, image });
    return examples;
  };
  const encodeAll = async (all: readonly Tensor[]): Promise<Tensor[]> => {
    const latents: Tensor[] = [];
    for (const pixels of all) latents.push(await encodePixels(encoder, pixels, { space: own, rows: 1, noise: new TorchGenerator('1'), standardise: false }));
    return latents;
  };
  const real = await decodeAll(await encodeAll(await realPictures()));
  const best = explainedBy(fitPreviewMap(real, own.channels), real);
  const probes = await decodeAll(await encodeAll(probePictures(own)));
  const byPictures = explainedBy(fitPreviewMap(probes, own.channels), real);
  // A map that belongs to the decoder is told from one that does not: 0.013 behind the fitted one, the other 7.3.
  const fitted = explainedBy(fitPreviewMap(probes, own.channels), probes);
  expect(fitted - explainedBy(own.preview, probes)).toBeLessThan(0.05);
  expect(fitted - explainedBy(sd1Latents.preview, probes)).toBeGreaterThan(0.5);
  const byDrawing = explainedBy(fitPreviewMap(await decodeAll(drawnLatents(own)), own.channels), real);
  const known = explainedBy(own.preview, real);
  // Seen: 0.984 at best, 0.971 by the model's own preview.json, 0.960 fitted on made-up pictures, 0.957 on drawn latents, and
  // -4.0 by the colours of Stable Diffusion 1, whose latents mean other things.
  expect(best).toBeGreaterThan(0.97);
  expect(byPictures).toBeGreaterThan(0.95);
  expect(byDrawing).toBeGreaterThan(0.94);
  expect(known - byPictures).toBeLessThan(0.03);
  expect(explainedBy(sd1Latents.preview, real)).toBeLessThan(0);
  await Promise.all([encoder.release(), decoder.release()]);
});

/** A decoder of one 1x1 convolution and eightfold enlargement; with `unit` its colours go from 0 to 1. */
function smallDecoder(unit: boolean): Buffer {
  const share = unit ? 0.5 : 1;
  const weights = Float32Array.from({ length: 12 }, (_, index) => (index % 5 === 0 ? 0.3 * share : 0));
  return onnxModel({
    inputs: [{ name: 'latent', type: 'float32', dims: ['batch', 4, 'height', 'width'] }],
    outputs: [{ name: 'image', type: 'float32', dims: ['batch', 3, 'h8', 'w8'] }],
    initializers: [
      { name: 'w', dims: [3, 4, 1, 1], data: weights },
      { name: 'b', dims: [3], data: new Float32Array(3).fill(unit ? 0.5 : 0) },
      { name: 'scales', dims: [4], data: Float32Array.of(1, 1, 8, 8) },
    ],
    nodes: [
      { op: 'Conv', inputs: ['latent', 'w', 'b'], outputs: ['c'], attributes: { kernel_shape: [1, 1] } },
      { op: 'Resize', inputs: ['c', '', 'scales'], outputs: ['image'] },
    ],
  });
}

it.each([
  ['colours of -1 to 1', false, 'taesd_decoder/model.onnx'],
  ['colours of 0 to 1', true, 'taesd/decoder.onnx'],
])('a small decoder in the folder draws the previews: %s', async (_, unit, name) => {
  const folder = await tinyModelFolder('sd');
  await mkdir(join(folder, name, '..'));
  await writeFile(join(folder, name), smallDecoder(unit));
  const opened: string[] = [];
  const pipeline = await openPipeline({ folder, openSession: (file) => openSession(file, 'cpu'), onPart: (part) => opened.push(part) });
  expect(opened).not.toContain('taesd_decoder');
  const latents = mapTensor(new TorchGenerator('5').normal([2, 4, 8, 8]), (value) => value / 2);
  const images = await pipeline.decodePreview(latents);
  expect(images.map(({ width, height }) => [width, height])).toEqual([[64, 64], [64, 64]]);
  // Red is 0.3 times the first channel.
  expect(images[1]?.rgb[0]).toBeCloseTo((0.3 * (latents.data[256] ?? 0) * 0.5 + 0.5) * 255, -0.4);
  await pipeline.decodePreview(latents);
  expect(opened.filter((part) => part === 'taesd_decoder')).toHaveLength(1);
  expect(await pipeline.decode(latents)).not.toEqual(images);
  await pipeline.release();
  await rm(folder, { recursive: true });
});

it('without one, or with a broken one, previews come from the whole decoder', async () => {
  const latents = new TorchGenerator('5').normal([1, 4, 8, 8]);
  for (const content of [null, Buffer.from('no model')]) {
    const folder = await tinyModelFolder('sd');
    if (content !== null) {
      await mkdir(join(folder, 'taesd'));
      await writeFile(join(folder, 'taesd/model.onnx'), content);
    }
    const pipeline = await openPipeline({ folder, openSession: (file) => openSession(file, 'cpu'), onPart: () => undefined });
    expect(await pipeline.decodePreview(latents)).toEqual(await pipeline.decode(latents));
    await pipeline.release();
    await rm(folder, { recursive: true });
  }
});
