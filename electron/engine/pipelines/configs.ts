import { z } from 'zod';
import { readOptionalModelJson } from './modelFolder.ts';
import { type Assumption, ModelFault } from './modelFault.ts';
import type { ModelLayout } from './layout.ts';

/** The small files of a model, with what stands for those that are missing. */
export interface ModelConfigs {
  /** null: the model's inputs tell. */
  readonly unet: Readonly<Record<string, unknown>> | null;
  readonly vae: Readonly<Record<string, unknown>>;
  readonly scheduler: Readonly<Record<string, unknown>>;
  readonly preview: Readonly<Record<string, unknown>> | null;
  readonly assumptions: readonly Assumption[];
}

const width = z.int().min(1).max(65_536);
const blocks = z.array(width).min(1).max(8);

/** Bounds that no model comes near: what lies outside is a damaged file, and would only fail later and worse. */
const unetBounds = z.object({
  in_channels: z.int().min(1).max(1024).nullish(),
  out_channels: z.int().min(1).max(1024).nullish(),
  block_out_channels: blocks.nullish(),
  time_cond_proj_dim: z.int().min(4).max(65_536).nullish(),
});
const vaeBounds = z.object({
  scaling_factor: z.number().min(1e-4).max(1e4).nullish(),
  latent_channels: z.int().min(1).max(1024).nullish(),
  block_out_channels: blocks.nullish(),
});
const schedulerBounds = z.object({
  _class_name: z.string().nullish(),
  num_train_timesteps: z.int().min(2).max(100_000).nullish(),
  beta_start: z.number().min(1e-9).max(1).nullish(),
  beta_end: z.number().min(1e-9).max(1).nullish(),
  trained_betas: z.array(z.number()).max(100_000).nullish(),
  steps_offset: z.int().min(0).max(100_000).nullish(),
});

/** Stable Diffusion 1.x as published (scheduler_config.json of its repository); SDXL has the same numbers. */
const trainedScheduler = {
  _class_name: 'PNDMScheduler',
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  num_train_timesteps: 1000,
  prediction_type: 'epsilon',
  timestep_spacing: 'leading',
  set_alpha_to_one: false,
  skip_prk_steps: true,
  steps_offset: 1,
};

/**
 * Reads and checks what a model's configs say.
 * @throws StopbathError `MODEL_BAD` naming the file, and the value that cannot be.
 */
export async function readConfigs({ folder, family }: ModelLayout): Promise<ModelConfigs> {
  const unet = await firstOf(folder, ['unet/config.json'], unetBounds);
  const vae = await firstOf(folder, ['vae_decoder/config.json', 'vae/config.json', 'vae_encoder/config.json'], vaeBounds);
  const scheduler = await firstOf(folder, ['scheduler/scheduler_config.json', 'scheduler/config.json', 'scheduler_config.json'], schedulerBounds);
  const preview = await readOptionalModelJson(folder, 'preview.json');
  const assumptions: Assumption[] = [];
  if (unet === null) assumptions.push(unetAssumed);
  if (vae?.values['scaling_factor'] === undefined) assumptions.push(scalingAssumed(vae?.name ?? null, family));
  if (scheduler === null) assumptions.push(schedulerAssumed);
  return {
    unet: unet?.values ?? null,
    vae: vae?.values ?? {},
    scheduler: scheduler?.values ?? trainedScheduler,
    preview,
    assumptions,
  };
}

interface Found {
  readonly name: string;
  readonly values: Record<string, unknown>;
}

async function firstOf(folder: string, names: readonly string[], bounds: z.ZodType): Promise<Found | null> {
  for (const name of names) {
    const values = await readOptionalModelJson(folder, name);
    if (values === null) continue;
    const issue = bounds.safeParse(values).error?.issues[0];
    if (issue === undefined) return { name, values: withoutNulls(values) };
    throw impossible(name, issue, values);
  }
  return null;
}

/** Python's None stands where a key is not set. */
function withoutNulls(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
}

function impossible(name: string, issue: z.core.$ZodIssue, values: Readonly<Record<string, unknown>>): ModelFault {
  const key = issue.path.map(String).join('.');
  const given: unknown = issue.path.reduce<unknown>((value, step) => (value as Record<PropertyKey, unknown> | undefined)?.[step], values);
  return new ModelFault('CONFIG_VALUE', name.split('/')[0] ?? '', {
    code: 'MODEL_BAD',
    message: `${name}: ${key} is ${(JSON.stringify(given) ?? 'missing').slice(0, 80)}, which no model has.`,
    nextStep: `Copy ${name} from the model's page again, or mend the value.`,
    detail: issue.message,
  });
}

const unetAssumed: Assumption = {
  code: 'UNET_CONFIG_ASSUMED',
  part: 'unet',
  message: 'unet/config.json is missing; its channels are read from the model, and four levels are taken as in all of its family.',
  remedy: '',
};

const schedulerAssumed: Assumption = {
  code: 'SCHEDULER_ASSUMED',
  part: 'scheduler',
  message:
    'scheduler/scheduler_config.json is missing; the noise schedule Stable Diffusion was trained with is taken (scaled linear 0.00085 to 0.012, epsilon).',
  remedy: 'If pictures come out as noise, the model predicts v: copy its scheduler_config.json into the folder scheduler.',
};

function scalingAssumed(name: string | null, family: ModelLayout['family']): Assumption {
  const factor = family === 'sdxl' ? '0.13025, SDXL\'s' : '0.18215, Stable Diffusion\'s';
  return {
    code: 'SCALING_ASSUMED',
    part: 'vae_decoder',
    message: `${name === null ? 'vae_decoder/config.json is missing' : `${name} has no scaling_factor`}; ${factor} own, is taken.`,
    remedy: 'If pictures come out too pale or too harsh, copy the config.json of the VAE into the folder vae_decoder.',
  };
}
