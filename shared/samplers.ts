/**
 * The samplers by name: our ids, what they are called on screen, and the names other programs give them.
 * A sampling method is three choices: the algorithm (scheduler), the curve of noise levels (sigma schedule) and where on
 * the trained 1000 steps it samples (timestep spacing).
 */
export const schedulerIds = [
  'euler',
  'euler_a',
  'heun',
  'lms',
  'dpm2',
  'dpm2_a',
  'dpmpp_2m',
  'dpmpp_2m_sde',
  'dpmpp_2s',
  'dpmpp_sde',
  'ddim',
  'ddpm',
  'unipc',
  'pndm',
  'deis',
  'lcm',
  'tcd',
  'flow_euler',
] as const;
export type SchedulerId = (typeof schedulerIds)[number];

/** AUTOMATIC1111's display name where it has the sampler, so that infotexts read alike. */
export const schedulerLabels: Record<SchedulerId, string> = {
  euler: 'Euler',
  euler_a: 'Euler a',
  heun: 'Heun',
  lms: 'LMS',
  dpm2: 'DPM2',
  dpm2_a: 'DPM2 a',
  dpmpp_2m: 'DPM++ 2M',
  dpmpp_2m_sde: 'DPM++ 2M SDE',
  dpmpp_2s: 'DPM++ 2S',
  dpmpp_sde: 'DPM++ SDE',
  ddim: 'DDIM',
  ddpm: 'DDPM',
  unipc: 'UniPC',
  pndm: 'PLMS',
  deis: 'DEIS',
  lcm: 'LCM',
  tcd: 'TCD',
  flow_euler: 'Flow Euler',
};

/**
 * `automatic`: what the model's scheduler_config.json says; `uniform`: every use_*_sigmas switched off; `ays`: Align Your
 * Steps.
 */
export const sigmaScheduleIds = ['automatic', 'uniform', 'karras', 'exponential', 'beta', 'ays'] as const;
export type SigmaScheduleId = (typeof sigmaScheduleIds)[number];

export const sigmaScheduleLabels: Record<SigmaScheduleId, string> = {
  automatic: 'Automatic',
  uniform: 'Uniform',
  karras: 'Karras',
  exponential: 'Exponential',
  beta: 'Beta',
  ays: 'Align Your Steps',
};

/** Table 2 of arXiv 2305.08891; `automatic`: what the model's scheduler_config.json says. */
export const timestepSpacingIds = ['automatic', 'leading', 'linspace', 'trailing'] as const;
export type TimestepSpacingId = (typeof timestepSpacingIds)[number];

export const timestepSpacingLabels: Record<TimestepSpacingId, string> = {
  automatic: 'Automatic',
  leading: 'Leading',
  linspace: 'Linspace',
  trailing: 'Trailing',
};

/** Classes that know Karras, exponential and beta levels. */
const curved: ReadonlySet<SchedulerId> = new Set([
  'euler',
  'heun',
  'lms',
  'dpm2',
  'dpm2_a',
  'dpmpp_2m',
  'dpmpp_2m_sde',
  'dpmpp_2s',
  'dpmpp_sde',
  'unipc',
  'deis',
  'flow_euler',
]);

/** Schedulers that take a list of timesteps, as Align Your Steps is one, and were not trained on a list of their own. */
const aligned: ReadonlySet<SchedulerId> = new Set([
  'euler',
  'heun',
  'dpmpp_2m',
  'dpmpp_2m_sde',
  'dpmpp_2s',
  'dpmpp_sde',
  'ddpm',
]);

/** LCM and TCD sample from the steps they were distilled on; the others have one spacing only. */
const unspaced: ReadonlySet<SchedulerId> = new Set(['dpmpp_2s', 'dpmpp_sde', 'lcm', 'tcd', 'flow_euler']);

/** The sigma schedules a scheduler can follow; the engine refuses others. */
export function sigmaSchedulesOf(scheduler: SchedulerId): SigmaScheduleId[] {
  return sigmaScheduleIds.filter((id) => {
    if (id === 'automatic' || id === 'uniform') return true;
    return id === 'ays' ? aligned.has(scheduler) : curved.has(scheduler);
  });
}

/** The timestep spacings a scheduler can follow; the engine refuses others. */
export function timestepSpacingsOf(scheduler: SchedulerId): TimestepSpacingId[] {
  return timestepSpacingIds.filter((id) => id === 'automatic' || !unspaced.has(scheduler));
}

/** Whether a scheduler's step takes an eta; the engine refuses one for others. */
export function takesEta(scheduler: SchedulerId): boolean {
  return scheduler === 'ddim' || scheduler === 'tcd';
}

export interface SamplerChoice {
  readonly scheduler: SchedulerId;
  readonly sigmaSchedule: SigmaScheduleId;
  readonly timestepSpacing: TimestepSpacingId;
}

type Curve = Omit<SamplerChoice, 'scheduler'>;

const automatic: Curve = { sigmaSchedule: 'automatic', timestepSpacing: 'automatic' };
const trailing: Curve = { sigmaSchedule: 'uniform', timestepSpacing: 'trailing' };
const linspace: Curve = { sigmaSchedule: 'uniform', timestepSpacing: 'linspace' };

/**
 * Schedule names of AUTOMATIC1111 and ComfyUI, in lower case with single spaces. "SGM Uniform" and "Simple" are trailing
 * spacing, as the diffusers documentation has it; A1111's "Uniform" and ComfyUI's "normal" run evenly from the noisiest
 * training step to the cleanest, which is linspace.
 */
const curves: ReadonlyMap<string, Curve> = new Map([
  ['automatic', automatic],
  ['uniform', linspace],
  ['normal', linspace],
  ['sgm uniform', trailing],
  ['simple', trailing],
  ['ddim uniform', { sigmaSchedule: 'uniform', timestepSpacing: 'leading' }],
  ['karras', { sigmaSchedule: 'karras', timestepSpacing: 'automatic' }],
  ['exponential', { sigmaSchedule: 'exponential', timestepSpacing: 'automatic' }],
  ['beta', { sigmaSchedule: 'beta', timestepSpacing: 'automatic' }],
  ['align your steps', { sigmaSchedule: 'ays', timestepSpacing: 'automatic' }],
  ['ays', { sigmaSchedule: 'ays', timestepSpacing: 'automatic' }],
]);

/**
 * Names that are neither an id nor a label, in lower case with single spaces. ComfyUI's `_gpu` twins differ in where the
 * noise is drawn only, and that is no property of the sampler here.
 */
const otherNames: readonly (readonly [string, SchedulerId])[] = [
  ['euler ancestral', 'euler_a'],
  ['dpm 2', 'dpm2'],
  ['dpm 2 ancestral', 'dpm2_a'],
  ['dpmpp 2m sde gpu', 'dpmpp_2m_sde'],
  ['dpmpp sde gpu', 'dpmpp_sde'],
  ['uni pc', 'unipc'],
  ['uni pc bh2', 'unipc'],
  ['pndm', 'pndm'],
  ['flow match euler', 'flow_euler'],
];

function normalise(text: string): string {
  return text.trim().toLowerCase().replace(/[\s_/]+/g, ' ');
}

const schedulersByName: ReadonlyMap<string, SchedulerId> = new Map([
  ...schedulerIds.map((id) => [normalise(id), id] as const),
  ...schedulerIds.map((id) => [normalise(schedulerLabels[id]), id] as const),
  ...otherNames,
]);

/**
 * A sampler by any of its names: ours, AUTOMATIC1111's ("DPM++ 2M SDE Karras", "Euler a SGM Uniform", "PLMS") or ComfyUI's
 * ("dpmpp_2m_sde/karras", "euler_ancestral sgm_uniform", "uni_pc_bh2"), with or without a schedule behind it.
 * @returns null for a name that stands for something not built here ("DPM++ 2S a", "Restart", "Euler a Karras"); callers
 * refuse it.
 */
export function parseSamplerName(text: string): SamplerChoice | null {
  const name = normalise(text);
  const plain = schedulersByName.get(name);
  if (plain !== undefined) return { scheduler: plain, ...automatic };
  for (const [suffix, curve] of curves) {
    if (!name.endsWith(` ${suffix}`)) continue;
    const scheduler = schedulersByName.get(name.slice(0, -suffix.length - 1));
    if (scheduler !== undefined) return combined(scheduler, curve);
  }
  return null;
}

/** null where the scheduler cannot follow the curve ("Euler a Karras"). */
function combined(scheduler: SchedulerId, curve: Curve): SamplerChoice | null {
  // Their own list begins at the noisiest step and runs evenly: what "SGM Uniform" and "Simple" ask for.
  if (curve === trailing && (scheduler === 'lcm' || scheduler === 'tcd')) return { scheduler, ...automatic };
  const fits =
    sigmaSchedulesOf(scheduler).includes(curve.sigmaSchedule) &&
    timestepSpacingsOf(scheduler).includes(curve.timestepSpacing);
  return fits ? { scheduler, ...curve } : null;
}

/**
 * The schedule of A1111's separate "Schedule type" line or ComfyUI's `scheduler` input.
 * @returns null for one that is not built here ("Polyexponential", "KL Optimal").
 */
export function parseSigmaScheduleName(text: string): Curve | null {
  return curves.get(normalise(text)) ?? null;
}
