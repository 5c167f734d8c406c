import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { assemble, type CheckpointModel, type RawText, type RawVae } from './checkpointModel.ts';
import { readTextConfig, readUnetConfig, readVaeConfig } from './folderConfigs.ts';
import { vaeTensors } from './ldmVae.ts';
import { type NamedTensor, type NamedTensors, tensorsOf } from './namedTensors.ts';
import { conversion } from './otherFormats.ts';
import { broken, incomplete, quoted, unsupported } from './refusal.ts';
import { readSafetensors, type SafetensorsFile } from './safetensors.ts';
import { separateVae } from './singleFile.ts';
import { readSmallJson } from './smallJson.ts';
import { clipTensors } from './textNames.ts';

export type TokenizerName = 'tokenizer' | 'tokenizer_2';

export interface DiffusersFolder {
  readonly model: CheckpointModel;
  /** Its model_index.json. */
  readonly index: Readonly<Record<string, unknown>>;
  /** Its scheduler_config.json, or null. */
  readonly scheduler: Readonly<Record<string, unknown>> | null;
  /** Absolute, by name; only those that are there. */
  readonly tokenizers: ReadonlyMap<TokenizerName, string>;
  readonly configs: FolderConfigs;
}

export interface FolderConfigs {
  /** Files that were read, absolute. */
  readonly paths: readonly string[];
  /** Pixels the UNet was made for, "512x512", or null. */
  readonly resolution: string | null;
}

export interface DiffusersFolderOptions {
  /** A VAE of its own in place of the folder's. */
  readonly vae?: SafetensorsFile | null;
}

const classNames =
  /^(StableDiffusion(XL)?|LatentConsistencyModel)(Img2Img|Inpaint)?Pipeline$/;

/**
 * The model in a folder as diffusers saves it: `unet/`, `vae/`, `text_encoder/` with their configs and safetensors files, whole
 * or in shards.
 * @param folder absolute
 * @throws StopbathError `MODEL_PARTS` naming what is missing, `MODEL_BAD`, `MODEL_UNSUPPORTED`.
 */
export async function readDiffusersFolder(folder: string, { vae = null }: DiffusersFolderOptions = {}): Promise<DiffusersFolder> {
  const index = await readSmallJson(folder, 'model_index.json');
  if (index === null) {
    throw incomplete(`${basename(folder)} has no model_index.json: it is no model folder.`);
  }
  const className = index['_class_name'];
  if (typeof className !== 'string' || !classNames.test(className)) {
    throw unsupported(
      `${basename(folder)} is a model of another kind: ${typeof className === 'string' ? quoted(className) : 'its model_index.json names no class'}.`,
      'Stable Diffusion 1.x, 2.x and XL models can be opened.',
    );
  }
  const configs = ['model_index.json'];
  const text: RawText[] = [];
  for (const name of ['text_encoder', 'text_encoder_2'] as const) {
    const config = await readSmallJson(folder, `${name}/config.json`);
    if (config === null) continue;
    configs.push(`${name}/config.json`);
    const tensors = clipTensors(await readWeights(folder, name, 'model'));
    const hints = readTextConfig(name, config);
    if (!hints.projects) tensors.delete('text_projection.weight');
    text.push({ name, tensors, hints });
  }
  if (text.length === 0) throw incomplete(`${basename(folder)} has no text encoder.`);
  const unetConfig = (await readSmallJson(folder, 'unet/config.json')) ?? {};
  const model = assemble({
    unet: { tensors: await readWeights(folder, 'unet', 'diffusion_pytorch_model'), hints: readUnetConfig(unetConfig) },
    text,
    vae: vae === null ? await ownVae(folder) : { tensors: separateVae(vae) },
  });
  for (const name of ['unet/config.json', 'vae/config.json', 'scheduler/scheduler_config.json']) if (await isFile(join(folder, name))) configs.push(name);
  return {
    model,
    index,
    scheduler: await readSmallJson(folder, 'scheduler/scheduler_config.json'),
    tokenizers: await tokenizersOf(folder),
    configs: { paths: configs.map((name) => join(folder, name)), resolution: resolutionOf(unetConfig, model) },
  };
}

/** `sample_size` counts latents. */
function resolutionOf({ sample_size: side }: Readonly<Record<string, unknown>>, { vae }: CheckpointModel): string | null {
  if (typeof side !== 'number' || !Number.isInteger(side) || side < 1) return null;
  const pixels = side * 2 ** (vae.config.blockOutChannels.length - 1);
  return `${pixels}x${pixels}`;
}

async function ownVae(folder: string): Promise<RawVae> {
  const config = readVaeConfig((await readSmallJson(folder, 'vae/config.json')) ?? {});
  return { ...config, tensors: vaeTensors(await readWeights(folder, 'vae', 'diffusion_pytorch_model')) };
}

async function tokenizersOf(folder: string): Promise<ReadonlyMap<TokenizerName, string>> {
  const found = new Map<TokenizerName, string>();
  for (const name of ['tokenizer', 'tokenizer_2'] as const) {
    if ((await stat(join(folder, name)).catch(() => null))?.isDirectory() === true) found.set(name, join(folder, name));
  }
  return found;
}

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });
const mostShards = 64;

/** @param stem of the file's name: `model` for transformers, `diffusion_pytorch_model` for diffusers */
async function readWeights(folder: string, part: string, stem: string): Promise<NamedTensors> {
  const place = join(folder, part);
  for (const variant of ['', '.fp16', '.bf16', '.non_ema']) {
    const whole = join(place, `${stem}${variant}.safetensors`);
    if (await isFile(whole)) return tensorsOf(await readSafetensors(whole));
    const index = await readSmallJson(folder, `${part}/${stem}.safetensors.index${variant}.json`);
    if (index !== null) return readShards(place, part, index);
  }
  for (const pickle of [`${stem}.bin`, `${stem}.fp16.bin`, `${stem}.ckpt`]) {
    if (!(await isFile(join(place, pickle)))) continue;
    throw unsupported(
      `${part}/${pickle} is a PyTorch pickle: opening such a file can run any program in it, so it is never opened.`,
      'Download the safetensors version of the model, or convert the file yourself where you trust it; the command is in the details.',
      conversion,
    );
  }
  throw incomplete(`${basename(folder)} has no ${part}/${stem}.safetensors.`);
}

async function readShards(place: string, part: string, index: Record<string, unknown>): Promise<NamedTensors> {
  const parsed = indexSchema.safeParse(index);
  if (!parsed.success) throw broken(`The index of the ${part}'s shards is damaged.`, z.prettifyError(parsed.error));
  const names = [...new Set(Object.values(parsed.data.weight_map))];
  if (names.length > mostShards) throw broken(`The ${part} lies in ${names.length} shards; no model here has more than ${mostShards}.`);
  const tensors = new Map<string, NamedTensor>();
  for (const name of names) {
    // Only files beside the index: a name with a path in it could point anywhere.
    if (!/^[\w-][\w.-]*\.safetensors$/.test(name)) throw broken(`The index of the ${part}'s shards names ${quoted(name)}, which is no file beside it.`);
    for (const [tensor, value] of tensorsOf(await readSafetensors(join(place, name)))) {
      if (tensors.has(tensor)) throw broken(`Two shards of the ${part} hold ${quoted(tensor)}.`);
      tensors.set(tensor, value);
    }
  }
  const missing = Object.keys(parsed.data.weight_map).find((name) => !tensors.has(name));
  if (missing !== undefined) throw broken(`The index of the ${part}'s shards names ${quoted(missing)}, which is in none of them.`);
  return tensors;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() === true;
}
