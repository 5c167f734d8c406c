import { stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import type { CheckpointModel } from './checkpointModel.ts';
import { readDiffusersFolder, type TokenizerName } from './diffusersFolder.ts';
import { checkpointPredictions, type Prediction, recognisePrediction } from './prediction.ts';
import { notFound, unsupported } from './refusal.ts';
import { readSafetensors } from './safetensors.ts';
import { readSingleFile } from './singleFile.ts';

type Json = Readonly<Record<string, unknown>>;

/** A checkpoint of either layout, read and checked. */
export interface CheckpointSource {
  readonly layout: 'single-file' | 'diffusers-folder';
  readonly name: string;
  readonly model: CheckpointModel;
  readonly prediction: Prediction;
  readonly hasEma: boolean;
  readonly resolution: string | null;
  /** Config files that were read, absolute. */
  readonly configs: readonly string[];
  readonly given: { readonly index: Json | null; readonly scheduler: Json | null };
  readonly tokenizers: ReadonlyMap<TokenizerName, string>;
}

export interface SourceOptions {
  /** Path of a VAE file to take in place of the model's own, or null. */
  readonly vae: string | null;
  readonly useEma: boolean;
}

/**
 * @param path absolute; a file, or a folder of diffusers' layout
 * @throws StopbathError `MODEL_NOT_FOUND`, `MODEL_BAD`, `MODEL_UNSUPPORTED`, `FILE_ACCESS`.
 */
export async function readSource(path: string, options: SourceOptions): Promise<CheckpointSource> {
  const found = await stat(path).catch((error: unknown) => {
    throw notFound(`There is nothing at ${path}.`, String(error));
  });
  return found.isDirectory() ? readFolder(path, options) : readFile(path, options);
}

async function readFile(path: string, { vae, useEma }: SourceOptions): Promise<CheckpointSource> {
  const file = await readSafetensors(path);
  const { model, hasEma } = readSingleFile(file, { vae: vae === null ? null : await readSafetensors(vae), useEma });
  return {
    layout: 'single-file',
    name: basename(path, extname(path)),
    model,
    prediction: await recognisePrediction(file, model),
    hasEma,
    resolution: file.metadata.get('modelspec.resolution') ?? null,
    configs: [],
    given: { index: null, scheduler: null },
    tokenizers: new Map(),
  };
}

async function readFolder(path: string, { vae, useEma }: SourceOptions): Promise<CheckpointSource> {
  if (await isFile(join(path, 'unet', 'model.onnx'))) {
    throw unsupported(`${basename(path)} is an ONNX model already.`, 'Open it as the model folder it is.');
  }
  if (useEma) throw unsupported(`${basename(path)} holds no averaged (EMA) weights.`, 'Open it without asking for them.');
  const { model, index, scheduler, tokenizers, configs } = await readDiffusersFolder(path, { vae: vae === null ? null : await readSafetensors(vae) });
  return {
    layout: 'diffusers-folder',
    name: basename(path),
    model,
    prediction: predictionOf(scheduler),
    hasEma: false,
    resolution: configs.resolution,
    configs: configs.paths,
    given: { index, scheduler },
    tokenizers,
  };
}

/** As the folder's scheduler has it; diffusers' schedulers predict the noise where their file is silent. */
function predictionOf(scheduler: Json | null): Prediction {
  const type = scheduler?.['prediction_type'] ?? 'epsilon';
  const known = checkpointPredictions.find((one) => one === type);
  if (known === undefined) {
    throw unsupported(`The model predicts ${JSON.stringify(type)}, which is not built here.`, 'Open a model that predicts noise, velocity or the picture.');
  }
  const certain = scheduler !== null;
  return { predictionType: { value: known, certain }, zeroSnr: { value: scheduler?.['rescale_betas_zero_snr'] === true, certain } };
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() === true;
}
