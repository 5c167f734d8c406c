import { open } from 'node:fs/promises';
import { float16ToFloat32 } from '../../tensor/float16.ts';
import type { CheckpointModel } from './checkpointModel.ts';
import type { NamedTensor } from './namedTensors.ts';
import type { SafetensorsFile } from './safetensors.ts';

export const checkpointPredictions = ['epsilon', 'v_prediction', 'sample'] as const;
export type CheckpointPrediction = (typeof checkpointPredictions)[number];

/** A fact, and whether the files say it or it is only likely. */
export interface Recognised<Value> {
  readonly value: Value;
  /** false: the files are silent; the person may know better. */
  readonly certain: boolean;
}

export interface Prediction {
  readonly predictionType: Recognised<CheckpointPrediction>;
  /** Trained with a last level of pure noise (arXiv 2305.08891). */
  readonly zeroSnr: Recognised<boolean>;
}

const said = <Value>(value: Value): Recognised<Value> => ({ value, certain: true });
const likely = <Value>(value: Value): Recognised<Value> => ({ value, certain: false });

/**
 * What a single file's UNet predicts: by the marker tensors of SDXL fine-tunes (`v_pred`, `ztsnr`), by ModelSpec metadata, and
 * where the file is silent by what is likely.
 */
export async function recognisePrediction(file: SafetensorsFile, model: CheckpointModel): Promise<Prediction> {
  const { tensors, metadata } = file;
  const zeroSnr = tensors.has('ztsnr') || metadata.get('ss_zero_terminal_snr') === 'True' ? said(true) : likely(false);
  const isMarked = tensors.has('v_pred');
  const spec = metadata.get('modelspec.prediction_type')?.toLowerCase();
  const isSaid = isMarked || spec === 'v' || spec === 'v_prediction' || metadata.get('modelspec.architecture')?.endsWith('-768-v') === true;
  if (isSaid) return { predictionType: said('v_prediction'), zeroSnr };
  if (spec === 'epsilon') return { predictionType: said('epsilon'), zeroSnr };
  return { predictionType: likely(await likelyPrediction(file, model)), zeroSnr };
}

/** A bias of the last transformer: wide in Stable Diffusion 2's v models, narrow in its epsilon models (ComfyUI `supported_models.py`, SD20). */
const tellingBias = 'up_blocks.3.attentions.2.transformer_blocks.0.norm1.bias';
const telling = 0.09;
/** Stable Diffusion 2 base; diffusers `_legacy_load_scheduler`. */
const stepsOfBase = 875_000;

async function likelyPrediction(file: SafetensorsFile, { family, unet }: CheckpointModel): Promise<CheckpointPrediction> {
  // Stable Diffusion 2 inpainting was made from its base, which predicts the noise.
  if (family !== 'sd2' || unet.config.inChannels !== unet.config.outChannels) return 'epsilon';
  const step = file.tensors.get('global_step');
  if (step?.type === 'I64' && step.length === 8) {
    const bytes = await readBytes(file, step.offset, step.length);
    return Number(bytes.readBigInt64LE()) === stepsOfBase ? 'epsilon' : 'v_prediction';
  }
  const bias = unet.tensors.get(tellingBias);
  if (bias === undefined) return 'v_prediction';
  return deviation(await readValues(bias)) > telling ? 'v_prediction' : 'epsilon';
}

function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

async function readBytes({ path }: SafetensorsFile, offset: number, length: number): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, offset);
    return buffer;
  } finally {
    await handle.close();
  }
}

/** The numbers of a small tensor of a weight type. */
async function readValues({ file, offset, length, type }: NamedTensor): Promise<Float32Array> {
  const bytes = Uint8Array.from(await readBytes(file, offset, length));
  if (type === 'F32') return new Float32Array(bytes.buffer);
  const halves = new Uint16Array(bytes.buffer);
  if (type === 'F16') return float16ToFloat32(halves);
  // bfloat16: the upper half of a float32.
  return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);
}
