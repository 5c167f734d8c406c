/**
 * The tiny models' graphs as written for WebGPU, run by it, against torch: `node e2e/graphs/webgpu.ts [NAME ...]`. Without a graphics card through a
 * software driver, as `node e2e/devices/webgpu.ts` explains: VK_DRIVER_FILES names its .json, LD_LIBRARY_PATH has libvulkan.so.1. A line a graph.
 */
import { clipTextGraph } from '../../electron/engine/graph/architectures/clipText.ts';
import { taesdDecoderGraph, taesdEncoderGraph } from '../../electron/engine/graph/architectures/taesd.ts';
import { unetGraph } from '../../electron/engine/graph/architectures/unet.ts';
import { vaeDecoderGraph, vaeEncoderGraph } from '../../electron/engine/graph/architectures/vae.ts';
import type { GraphOptions } from '../../electron/engine/graph/graphOptions.ts';
import type { Weights } from '../../electron/engine/graph/weights.ts';
import { openSession } from '../../electron/engine/ort/session.ts';
import {
  cases,
  feedsOf,
  goldenFile,
  GraphFolder,
  readTensors,
  readWeights,
  relativeError,
} from './fixtures.ts';
import { taesdConfig, textConfig, unetConfig, vaeConfig } from './referenceConfigs.ts';

const tolerance = 1e-3;

const wanted = process.argv.slice(2);

async function compare(name: string, output: string, build: (weights: Weights) => Buffer): Promise<boolean> {
  if (wanted.length > 0 && !wanted.includes(name)) return true;
  const folder = new GraphFolder([goldenFile(name)]);
  const values = readTensors(goldenFile(`${name}.golden`));
  try {
    const session = await openSession(folder.write('model', build(readWeights(goldenFile(name)))), 'webgpu');
    const results = await session.run(feedsOf(session, values));
    const error = relativeError(results[output], values[`out.${output}`]);
    console.log(`${name} ${output}: ${error.toExponential(1)}`);
    await session.release();
    return error < tolerance;
  } finally {
    folder.remove();
  }
}

/** @returns whether all were right */
async function compareAll(options: GraphOptions): Promise<boolean> {
  const right: boolean[] = [];
  for (const name of ['unet-sd1', 'unet-sd2', 'unet-inpaint', 'unet-lcm', 'unet-sdxl', 'unet-refiner'] as const) {
    right.push(await compare(name, 'out_sample', (weights) => unetGraph(unetConfig(cases[name].config), weights, options)));
  }
  for (const name of ['clip-l', 'clip-h', 'clip-g'] as const) {
    const { config, projection } = cases[name];
    const output = projection ? 'text_embeds' : 'pooler_output';
    right.push(await compare(name, output, (weights) => clipTextGraph(textConfig(config, projection), weights, options)));
  }
  for (const name of ['vae', 'vae-bare'] as const) {
    const config = vaeConfig(cases[name].config);
    right.push(await compare(name, 'sample', (weights) => vaeDecoderGraph(config, weights, options)));
    right.push(await compare(name, 'latent_parameters', (weights) => vaeEncoderGraph(config, weights, options)));
  }
  right.push(await compare('taesd', 'sample', (weights) => taesdDecoderGraph(taesdConfig, weights, options)));
  right.push(await compare('taesd', 'latent_sample', (weights) => taesdEncoderGraph(taesdConfig, weights, options)));
  return right.every(Boolean);
}

process.exitCode = (await compareAll({ device: 'webgpu' })) ? 0 : 1;
