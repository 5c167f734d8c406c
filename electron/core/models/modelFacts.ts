import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { OpenedCheckpoint } from '../../../shared/engineProtocol.ts';
import type { Model } from '../../../shared/models.ts';
import { predictionTypes } from '../../../shared/models.ts';
import type { SchedulerId } from '../../../shared/samplers.ts';

/** What a model's own small files say of it. */
export type ModelFacts = Pick<
  Model,
  | 'family'
  | 'tasks'
  | 'width'
  | 'height'
  | 'sizeMultiple'
  | 'minSide'
  | 'maxSide'
  | 'steps'
  | 'guidanceScale'
  | 'scheduler'
  | 'predictionType'
  | 'uncertain'
>;

const config = z.looseObject({});

const unetSchema = z.looseObject({
  in_channels: z.int().optional().catch(undefined),
  sample_size: z.union([z.int(), z.tuple([z.int(), z.int()])]).optional().catch(undefined),
  block_out_channels: z.array(z.int()).optional().catch(undefined),
  cross_attention_dim: z.union([z.int(), z.array(z.int())]).optional().catch(undefined),
  time_cond_proj_dim: z.int().nullish().catch(undefined),
});

const vaeSchema = z.looseObject({ block_out_channels: z.array(z.int()).optional().catch(undefined) });

const schedulerSchema = z.looseObject({
  _class_name: z.string().optional().catch(undefined),
  algorithm_type: z.string().optional().catch(undefined),
  prediction_type: z.enum(predictionTypes).optional().catch(undefined),
  timestep_spacing: z.string().optional().catch(undefined),
});

const indexSchema = z.looseObject({
  _class_name: z.string().optional().catch(undefined),
  requires_aesthetics_score: z.boolean().optional().catch(undefined),
});

/** The longest side a request may ask for. */
const longestSide = 2048;

/**
 * Reads a model folder's configs. Whatever is missing or odd takes what models of the family have: the doctor tells of it.
 * @param folder in the standard layout, ONNX or diffusers
 * @param opened for a checkpoint: what was read out of the file itself comes first
 */
export async function readModelFacts(folder: string, opened: OpenedCheckpoint | null = null): Promise<ModelFacts> {
  const index = indexSchema.parse(await json(folder, 'model_index.json'));
  const unet = unetSchema.parse(await json(folder, 'unet/config.json'));
  const vae = vaeSchema.parse(await json(folder, 'vae_decoder/config.json', 'vae/config.json'));
  const scheduler = schedulerSchema.parse(await json(folder, 'scheduler/scheduler_config.json'));
  const isXl = await seemsXl(folder, index._class_name ?? '', 'text_encoder_2' in index);
  const family = opened?.family ?? (isXl ? 'sdxl' : 'sd');
  const predictionType = opened?.predictionType ?? scheduler.prediction_type ?? 'epsilon';
  const factor = 2 ** ((vae.block_out_channels?.length ?? 4) - 1);
  const levels = unet.block_out_channels?.length ?? (family === 'sdxl' ? 3 : 4);
  const sizeMultiple = Math.max(8, factor * 2 ** (levels - 1));
  const [latentHeight, latentWidth] = sidesOf(unet.sample_size) ?? usualLatent({ family, predictionType, isWide: unet.cross_attention_dim === 1024 });
  const side = (own: number | undefined, latent: number): number => clamp(Math.round((own ?? latent * factor) / sizeMultiple) * sizeMultiple, sizeMultiple);
  const [width, height] = [side(opened?.width, latentWidth), side(opened?.height, latentHeight)];
  const shorter = Math.min(width, height);
  return {
    ...{ family, predictionType, sizeMultiple, width, height },
    tasks: opened === null ? await tasksOf(folder, unet.in_channels ?? 4, index.requires_aesthetics_score === true) : [...opened.tasks],
    minSide: Math.max(64, sizeMultiple, Math.floor(shorter / 4 / sizeMultiple) * sizeMultiple),
    maxSide: clamp(4 * Math.max(width, height), sizeMultiple),
    ...settingsOf(family, scheduler, (unet.time_cond_proj_dim ?? null) !== null),
    uncertain: [...(opened?.uncertain ?? [])],
  };
}

function clamp(side: number, multiple: number): number {
  return Math.min(Math.floor(longestSide / multiple) * multiple, Math.max(Math.ceil(64 / multiple) * multiple, side));
}

function sidesOf(size: number | [number, number] | undefined): [number, number] | null {
  const sides: [number, number] | null = size === undefined ? null : typeof size === 'number' ? [size, size] : size;
  return sides !== null && sides.every((side) => side >= 8 && side <= 1024) ? sides : null;
}

/** Where the config does not tell: 1024 px for SDXL, 768 for SD 2.x with v-prediction, 512 for the others; an eighth of it in latents. */
function usualLatent({ family, predictionType, isWide }: { family: Model['family']; predictionType: string; isWide: boolean }): [number, number] {
  const side = family === 'sdxl' ? 128 : isWide && predictionType === 'v_prediction' ? 96 : 64;
  return [side, side];
}

/** As the engine decides: by the UNet's channels, the score of SDXL's refiner, and whether pictures can be encoded. */
async function tasksOf(folder: string, channels: number, isRefiner: boolean): Promise<Model['tasks']> {
  if (channels === 9) return ['inpaint'];
  if (isRefiner) return ['image-to-image', 'inpaint'];
  const parts = ['vae_encoder/model.onnx', 'vae_encoder.onnx', 'vae/diffusion_pytorch_model.safetensors', 'vae/diffusion_pytorch_model.fp16.safetensors'];
  const folderOfEncoder = await exists(join(folder, 'vae_encoder'));
  for (const part of parts) if (folderOfEncoder || (await exists(join(folder, part)))) return ['text-to-image', 'image-to-image', 'inpaint'];
  return ['text-to-image'];
}

async function seemsXl(folder: string, className: string, inIndex: boolean): Promise<boolean> {
  if (className.includes('StableDiffusionXL')) return true;
  if (className !== '' && className.includes('StableDiffusion')) return false;
  return inIndex || (await exists(join(folder, 'text_encoder_2'))) || (await exists(join(folder, 'text_encoder_2.onnx')));
}

type Settings = Pick<ModelFacts, 'steps' | 'guidanceScale' | 'scheduler'>;

/** What a person would set who knows the model: its own sampler, few steps for distilled ones. */
function settingsOf(family: Model['family'], file: z.infer<typeof schedulerSchema>, isGuidanceEmbedded: boolean): Settings {
  const scheduler = schedulerOf(file);
  // A guidance scale of 8 goes into the model itself (arXiv 2310.04378); LCM-LoRA merges are drawn without guidance.
  if (isGuidanceEmbedded) return { steps: 4, guidanceScale: 8, scheduler: 'lcm' };
  if (scheduler === 'lcm' || scheduler === 'tcd') return { steps: 4, guidanceScale: 1, scheduler };
  // Turbo, Lightning, Hyper: the only ones that ship an Euler sampler with trailing timesteps.
  const isDistilled = file.timestep_spacing === 'trailing' && (scheduler === 'euler' || scheduler === 'euler_a');
  if (isDistilled) return { steps: 4, guidanceScale: 1, scheduler };
  return { steps: 25, guidanceScale: family === 'sdxl' ? 5 : 7.5, scheduler };
}

const schedulerClasses: Readonly<Record<string, SchedulerId>> = {
  PNDMScheduler: 'pndm',
  DDIMScheduler: 'ddim',
  DDPMScheduler: 'ddpm',
  EulerDiscreteScheduler: 'euler',
  EulerAncestralDiscreteScheduler: 'euler_a',
  DPMSolverMultistepScheduler: 'dpmpp_2m',
  DPMSolverSinglestepScheduler: 'dpmpp_2s',
  DPMSolverSDEScheduler: 'dpmpp_sde',
  UniPCMultistepScheduler: 'unipc',
  HeunDiscreteScheduler: 'heun',
  LMSDiscreteScheduler: 'lms',
  KDPM2DiscreteScheduler: 'dpm2',
  KDPM2AncestralDiscreteScheduler: 'dpm2_a',
  DEISMultistepScheduler: 'deis',
  LCMScheduler: 'lcm',
  TCDScheduler: 'tcd',
  FlowMatchEulerDiscreteScheduler: 'flow_euler',
};

function schedulerOf({ _class_name: name = '', algorithm_type: algorithm = '' }: z.infer<typeof schedulerSchema>): SchedulerId {
  const known = schedulerClasses[name] ?? 'euler';
  return known === 'dpmpp_2m' && algorithm.startsWith('sde') ? 'dpmpp_2m_sde' : known;
}

/** Configs are a few kilobytes; one that is longer says nothing. */
const mostConfigBytes = 2 ** 20;

/** The first of these files that is a JSON object; an empty one where there is none. */
async function json(folder: string, ...names: readonly string[]): Promise<z.infer<typeof config>> {
  for (const name of names) {
    const text = await readStart(join(folder, name));
    if (text === null) continue;
    const parsed = config.safeParse(parse(text));
    if (parsed.success) return parsed.data;
  }
  return {};
}

function parse(text: string): unknown {
  try {
    // Python writes numbers that JSON does not know.
    return JSON.parse(text.replace(/(?<=[:,[]\s*)-?(Infinity|NaN)\b/g, 'null'));
  } catch {
    return null;
  }
}

async function readStart(file: string): Promise<string | null> {
  try {
    const found = await stat(file);
    return found.isFile() && found.size <= mostConfigBytes ? await readFile(file, 'utf8') : null;
  } catch {
    return null;
  }
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(() => true).catch(() => false);
}
