import type { Model } from '../../../shared/models.ts';
import { maxSteps, type GenerationRequest } from '../../../shared/generation.ts';
import type { JobSnapshot } from '../../../shared/job.ts';
import type { SchedulerId } from '../../../shared/samplers.ts';
import type { FormState } from './form.ts';
import { readInteger, readNumber, readNumberList } from './readText.ts';

/** Samplers that call the model twice a step, as diffusers' `order` tells: a run of N steps makes 2N - 1 calls. */
const twoCalls: readonly SchedulerId[] = ['heun', 'dpm2', 'dpm2_a'];

/** Samplers that `eta` means something to. */
const withEta: readonly SchedulerId[] = ['ddim', 'tcd'];

/** Samplers that take timesteps, or sigmas, in place of their own: the `set_timesteps` of their diffusers class. */
const withTimesteps: readonly SchedulerId[] = [
  'euler',
  'heun',
  'dpmpp_2m',
  'dpmpp_2m_sde',
  'dpmpp_2s',
  'dpmpp_sde',
  'ddpm',
  'lcm',
  'tcd',
  'flow_euler',
];
const withSigmas: readonly SchedulerId[] = ['euler', 'unipc', 'flow_euler'];

export function usesEta(scheduler: SchedulerId): boolean {
  return withEta.includes(scheduler);
}

export function takesTimesteps(scheduler: SchedulerId): boolean {
  return withTimesteps.includes(scheduler);
}

export function takesSigmas(scheduler: SchedulerId): boolean {
  return withSigmas.includes(scheduler);
}

export function callsPerStep(scheduler: SchedulerId): 1 | 2 {
  return twoCalls.includes(scheduler) ? 2 : 1;
}

/** Steps that a list of sigmas stands for: Euler's last one is where the last step ends, the others add their own end. */
function stepsOfSigmas(scheduler: SchedulerId, count: number): number {
  return scheduler === 'unipc' || scheduler === 'flow_euler' ? count : count - 1;
}

/** What is to be gone through, from its first step. */
export interface WholeSchedule {
  readonly scheduler: SchedulerId;
  readonly asked: number;
  /** Given as a list, by hand or as Align Your Steps: diffusers then counts its entries instead of steps. */
  readonly listed: boolean;
}

export interface StepPlan {
  /** Steps of the whole schedule. */
  readonly asked: number;
  /** Steps that are run: the end of the schedule that strength leaves. */
  readonly run: number;
  /** Model calls of the run, a guided one counted once; the iterations of the loop, which cutoff and progress count. */
  readonly calls: number;
}

/**
 * What a run at `strength` does, as diffusers' get_timesteps: k = min(trunc(N * strength), N), the first (N - k) * order
 * timesteps left out.
 */
export function planSteps({ scheduler, asked, listed }: WholeSchedule, strength: number): StepPlan {
  const order = callsPerStep(scheduler);
  // PNDM runs its second timestep twice, to gather a history.
  const entries = scheduler === 'pndm' ? (asked === 1 ? 1 : asked + 1) : order * (asked - 1) + 1;
  const counted = listed ? entries : asked;
  const kept = Math.min(Math.trunc(counted * strength), counted);
  const calls = kept <= 0 ? 0 : Math.max(0, entries - (counted - kept) * order);
  return { asked, run: order === 2 ? Math.ceil(calls / 2) : Math.max(0, kept), calls };
}

/** The least strength, to two decimals, at which a step is run. */
export function leastStrength(whole: WholeSchedule): number {
  for (let percent = 1; percent < 100; percent++) {
    if (planSteps(whole, percent / 100).calls > 0) return percent / 100;
  }
  return 1;
}

/** Whether `steps` acts, or a list of timesteps or sigmas stands in its place. */
export function stepsAct(form: FormState): boolean {
  return form.timesteps.trim() === '' && form.sigmas.trim() === '';
}

/** The steps of the form's schedule: what is typed, or as many as its own list has; null where that cannot be read. */
export function askedSteps(form: FormState): number | null {
  if (form.timesteps.trim() !== '') return readNumberList(form.timesteps)?.length ?? null;
  if (form.sigmas.trim() !== '') {
    const levels = readNumberList(form.sigmas);
    return levels === null || levels.length < 2 ? null : stepsOfSigmas(form.scheduler, levels.length);
  }
  return readInteger(form.steps, 1, maxSteps);
}

/** Whether shares of the schedule decide where the run starts, and strength does not. */
export function startsByShare(form: FormState, model: Model | null): boolean {
  return form.task !== 'text-to-image' && model?.family === 'sdxl' && form.denoisingStart.trim() !== '';
}

export function strengthKey(form: Pick<FormState, 'task'>): 'strength' | 'inpaintStrength' {
  return form.task === 'inpaint' ? 'inpaintStrength' : 'strength';
}

/** The strength that acts: 1 where nothing but noise is there to start from; null when it cannot be read. */
export function actingStrength(form: FormState): number | null {
  if (form.task === 'text-to-image') return 1;
  const value = readNumber(form[strengthKey(form)]);
  return value !== null && value >= 0 && value <= 1 ? value : null;
}

/** The form's schedule from its first step; null where a number in it cannot be read. */
export function formSchedule(form: FormState): WholeSchedule | null {
  const asked = askedSteps(form);
  return asked === null ? null : { scheduler: form.scheduler, asked, listed: !stepsAct(form) || form.sigmaSchedule === 'ays' };
}

/** The plan of the form as it stands; null where a number in it cannot be read. Shares of the schedule are left aside. */
export function formPlan(form: FormState): StepPlan | null {
  const whole = formSchedule(form);
  const strength = actingStrength(form);
  return whole === null || strength === null ? null : planSteps(whole, strength);
}

/** What a request will run, as far as it can be told without the model. Shares of the schedule are left aside. */
export function requestPlan(request: GenerationRequest): StepPlan {
  const { scheduler, timesteps, sigmas } = request;
  const asked = timesteps?.length ?? (sigmas === null ? request.steps : stepsOfSigmas(scheduler, sigmas.length));
  const listed = timesteps !== null || sigmas !== null || request.sigmaSchedule === 'ays';
  const strength = request.task === 'text-to-image' || request.denoisingStart !== null ? 1 : request.strength;
  return planSteps({ scheduler, asked, listed }, strength);
}

/** Iterations of a job's loop: planned, until the engine has told them. */
export function jobSteps(job: Pick<JobSnapshot, 'numTimesteps' | 'request'>): number {
  return job.numTimesteps ?? requestPlan(job.request).calls;
}
