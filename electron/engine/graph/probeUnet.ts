import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { float32ToFloat16 } from '../tensor/float16.ts';
import { steadyValues } from '../tensor/steadyValues.ts';
import { type UnetConfig, unetGraph } from './architectures/unet.ts';
import type { GraphOptions } from './graphOptions.ts';
import { expectedUnet } from './readers/expected.ts';
import type { WeightRef, Weights } from './weights.ts';

/** A UNet in small: both head widths there are, 40 and 64, and everything a level has. Five million weights. */
const config: UnetConfig = {
  inChannels: 4,
  outChannels: 4,
  blockOutChannels: [160, 128],
  layersPerBlock: 1,
  transformerLayers: [1, 1],
  midTransformerLayers: 1,
  heads: [4, 2],
  crossAttentionDim: 128,
  timeCondProjDim: null,
  textTime: null,
};

const weightsFile = 'weights.bin';
/** More than the largest tensor has; each begins where the one before ended, and over again. */
const steadyCount = 2 ** 19;
/** The widest norm is that of two joined levels. */
const onesCount = 320;
/** Products of matrices then neither die out nor grow from layer to layer. */
const scale = 0.12;

/** Writes the weights both graphs of a comparison read, float16 as most checkpoints have them: a megabyte. */
export async function writeProbeWeights(folder: string): Promise<void> {
  const values = new Float32Array(onesCount + steadyCount).fill(1);
  values.set(steadyValues(steadyCount, scale), onesCount);
  await writeFile(join(folder, weightsFile), new Uint8Array(float32ToFloat16(values).buffer));
}

/** The UNet as it is written for a checkpoint. @returns the path of its graph, in the folder of {@link writeProbeWeights} */
export async function writeProbeUnet(folder: string, name: string, options: GraphOptions): Promise<string> {
  const file = join(folder, `${name}.onnx`);
  await writeFile(file, unetGraph(config, steadyWeights(), { ...options, part: 'whole-with-features' }));
  return file;
}

function steadyWeights(): Weights {
  const refs = new Map<string, WeightRef>();
  let used = 0;
  for (const [name, dims] of expectedUnet(config)) {
    const count = dims.reduce((product, side) => product * side, 1);
    const isNorm = /norm\w*\.weight$/.test(name);
    if (!isNorm && used + count > steadyCount) used = 0;
    const first = isNorm ? 0 : onesCount + used;
    if (!isNorm) used += count;
    const sides = name.endsWith('conv_shortcut.weight') ? [...dims, 1, 1] : dims;
    refs.set(name, { file: weightsFile, offset: 2 * first, length: 2 * count, type: 'F16', dims: sides });
  }
  return {
    has: (name) => refs.has(name),
    names: () => refs.keys(),
    get(name) {
      const ref = refs.get(name);
      if (ref === undefined) throw new Error(`The probe's UNet has no ${name}.`);
      return ref;
    },
  };
}
