import { maxPromptLength, maxSteps, type SteeringEntry } from '../../../shared/generation.ts';
import type { JobSnapshot, Steering } from '../../../shared/job.ts';
import { sigmaSchedulesOf, type SchedulerId, type SigmaScheduleId } from '../../../shared/samplers.ts';
import {
  guidanceErrors,
  guidanceFields,
  guidanceFieldsOfEntry,
  guidanceSteering,
  type ForkGuidanceErrors,
  type ForkGuidanceFields,
} from './forkGuidance.ts';
import { readInteger, readNumber } from './readText.ts';
import { parseSeed, randomSeed } from './seed.ts';
import { guidedCount, iterations, settingsAfter, stepsOfIterations, type RunSettings } from './steeringLog.ts';

/** The fields of the fork panel, as typed. */
export interface ForkFields extends ForkGuidanceFields {
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly guidanceScale: string;
  /** Guided steps of the whole run, those of the past included. */
  readonly guided: number;
  readonly stepsLeft: string;
  readonly scheduler: SchedulerId;
  readonly sigmaSchedule: SigmaScheduleId;
  /** '' : the noise goes on as it would. */
  readonly noiseSeed: string;
}

/** What was changed against the run as it was; the rest follows the step that is chosen. */
export type ForkChanges = Partial<ForkFields>;

/** Where a fork begins: what the run followed there. */
export interface ForkBase {
  readonly settings: RunSettings;
  readonly modelId: string;
  readonly fields: ForkFields;
  /** Steps (iterations of the loop) that are done and stay. */
  readonly done: number;
  readonly eta: number;
}

export type ForkErrors = Partial<Record<'prompt' | 'negativePrompt' | 'guidanceScale' | 'stepsLeft' | 'sigmaSchedule' | 'noiseSeed' | 'variations', string>> &
  ForkGuidanceErrors;

/** Variations that one start makes at most. */
export const mostVariations = 8;

export const guidanceScaleRange = { min: 0, max: 30 } as const;

/**
 * @param stepIndex 0-based: the last step that stays
 * @param entries what had been done to the run by then
 */
export function forkBase(job: JobSnapshot, stepIndex: number, entries: readonly SteeringEntry[]): ForkBase {
  const settings = settingsAfter(job, entries);
  const done = stepIndex + 1;
  const left = Math.max(0, settings.numTimesteps - done);
  const curved = settings.guidanceCurve.kind !== 'constant';
  const ranWith = job.steps[stepIndex]?.guidanceScale ?? settings.guidanceScale;
  return {
    settings,
    modelId: job.request.modelId,
    done,
    eta: job.request.eta,
    fields: {
      prompt: settings.prompt,
      negativePrompt: settings.negativePrompt ?? '',
      guidanceScale: String(curved ? ranWith : settings.guidanceScale),
      guided: guidedCount(settings, settings.numTimesteps),
      stepsLeft: String(stepsOfIterations(settings.scheduler, left)),
      scheduler: settings.scheduler,
      sigmaSchedule: settings.sigmaSchedule,
      noiseSeed: settings.noiseSeed ?? '',
      ...guidanceFields(settings),
    },
  };
}

/** What can be set in the panel of what an entry did. */
export function changesOfEntry(base: ForkBase, entry: SteeringEntry): ForkChanges {
  const { afterStep, steering } = entry;
  const { prompt, negativePrompt, guidanceScale, guidanceEnd, tail, noiseSeed } = steering;
  const scheduler = tail?.scheduler;
  const sigmaSchedule = tail?.sigmaSchedule;
  return {
    ...(prompt === undefined ? {} : { prompt }),
    ...(negativePrompt === undefined ? {} : { negativePrompt: negativePrompt ?? '' }),
    // Where it set nothing but a scale, the curve it did not touch stays.
    ...(guidanceScale === undefined ? {} : { guidanceScale: String(guidanceScale), curve: base.fields.curve }),
    ...guidanceFieldsOfEntry(entry),
    ...(guidanceEnd?.kind === 'guided-steps' ? { guided: Math.max(guidanceEnd.steps, afterStep + 1) } : {}),
    ...(guidanceEnd?.kind === 'never' ? { guided: Number.MAX_SAFE_INTEGER } : {}),
    ...(tail === undefined ? {} : { stepsLeft: String(tail.steps) }),
    ...(scheduler === undefined ? {} : { scheduler }),
    ...(sigmaSchedule === undefined ? {} : { sigmaSchedule }),
    ...(noiseSeed === undefined ? {} : { noiseSeed }),
  };
}

const fielded: readonly string[] = [
  'prompt',
  'negativePrompt',
  'guidanceScale',
  'guidanceCurve',
  'guidanceInterval',
  'guidanceRescale',
  'reuse',
  'noiseSeed',
  'tail',
];

/** The parts of an entry that the panel has no field for: they stay when it is edited. */
export function keptOfEntry({ steering }: SteeringEntry): SteeringEntry['steering'] {
  const { guidanceEnd } = steering;
  const hasField = guidanceEnd?.kind === 'guided-steps' || guidanceEnd?.kind === 'never';
  const kept = Object.entries(steering).filter(([key]) => !fielded.includes(key) && !(key === 'guidanceEnd' && hasField));
  return Object.fromEntries(kept);
}

/** Notes a change; one back to what the run did is none. A scale takes the place of a curve, unless that is given too. */
export function withChange(base: ForkBase, changes: ForkChanges, change: ForkChanges): ForkChanges {
  const { guidanceScale, curve } = change;
  const levelled = guidanceScale !== undefined && curve === undefined;
  const next = {
    ...changes,
    ...change,
    ...(levelled ? { curve: guidanceScale === base.fields.guidanceScale ? base.fields.curve : ({ kind: 'constant' } as const) } : {}),
  };
  return Object.fromEntries(Object.entries(next).filter(([key, value]) => !isSame(value, base.fields[key as keyof ForkFields])));
}

function isSame(a: ForkFields[keyof ForkFields], b: ForkFields[keyof ForkFields]): boolean {
  return a === b || (typeof a === 'object' && JSON.stringify(a) === JSON.stringify(b));
}

export function fieldsOf(base: ForkBase, changes: ForkChanges): ForkFields {
  return { ...base.fields, ...changes };
}

/** Iterations of the run when it goes on so; what cannot be read counts as unchanged. */
export function totalOf(base: ForkBase, changes: ForkChanges): number {
  if (changes.stepsLeft === undefined && changes.scheduler === undefined) return base.settings.numTimesteps;
  const { stepsLeft, scheduler } = fieldsOf(base, changes);
  const steps = readInteger(stepsLeft, 1, maxSteps);
  return steps === null ? base.settings.numTimesteps : base.done + iterations(scheduler, steps);
}

/** Guided steps of the run when it goes on so: unless chosen, its own rule is applied to its new length. */
export function guidedOf(base: ForkBase, changes: ForkChanges): number {
  const total = totalOf(base, changes);
  return Math.min(total, changes.guided ?? guidedCount(base.settings, total));
}

const noisy: readonly SchedulerId[] = ['euler_a', 'dpm2_a', 'dpmpp_2m_sde', 'dpmpp_sde', 'ddpm', 'lcm'];

/** Whether a sampler's steps add noise of their own: DDIM's and TCD's only with an eta. */
export function addsNoise(scheduler: SchedulerId, eta: number): boolean {
  return noisy.includes(scheduler) || ((scheduler === 'ddim' || scheduler === 'tcd') && eta > 0);
}

export function isNoisy(base: ForkBase, changes: ForkChanges): boolean {
  return addsNoise(changes.scheduler ?? base.fields.scheduler, base.eta);
}

/** Message keys under `fork.error.` of the fields that cannot be sent. */
export function forkErrors(base: ForkBase, changes: ForkChanges, variations: string): ForkErrors {
  const fields = fieldsOf(base, changes);
  const { min, max } = guidanceScaleRange;
  const scale = readNumber(fields.guidanceScale);
  return {
    ...(fields.prompt.length > maxPromptLength ? { prompt: 'tooLong' } : {}),
    ...(fields.negativePrompt.length > maxPromptLength ? { negativePrompt: 'tooLong' } : {}),
    ...(scale === null || scale < min || scale > max ? { guidanceScale: 'scale' } : {}),
    ...(readInteger(fields.stepsLeft, 1, maxSteps) === null ? { stepsLeft: 'steps' } : {}),
    ...(sigmaSchedulesOf(fields.scheduler).includes(fields.sigmaSchedule) ? {} : { sigmaSchedule: 'schedule' }),
    ...(changes.noiseSeed === undefined || parseSeed(changes.noiseSeed) !== null ? {} : { noiseSeed: 'seed' }),
    ...(readInteger(variations, 1, mostVariations) === null ? { variations: 'variations' } : {}),
    ...guidanceErrors(fields),
  };
}

/** Only what was changed, as it is sent. */
export function forkSteering(base: ForkBase, changes: ForkChanges): Steering {
  const { prompt, negativePrompt, guided } = changes;
  const fields = fieldsOf(base, changes);
  const scale = changes.guidanceScale === undefined ? null : readNumber(changes.guidanceScale);
  const seed = changes.noiseSeed === undefined || !isNoisy(base, changes) ? null : parseSeed(changes.noiseSeed);
  const steps = readInteger(fields.stepsLeft, 1, maxSteps);
  const isReplanned = changes.stepsLeft !== undefined || changes.scheduler !== undefined || changes.sigmaSchedule !== undefined;
  const total = totalOf(base, changes);
  return {
    ...(prompt === undefined ? {} : { prompt }),
    ...(negativePrompt === undefined ? {} : { negativePrompt }),
    ...(scale === null ? {} : { guidanceScale: scale }),
    ...guidanceSteering(fields, changes),
    ...(guided === undefined ? {} : { guidanceEnd: guided >= total ? { kind: 'never' } : { kind: 'guided-steps', steps: guided } }),
    ...(isReplanned && steps !== null
      ? {
          tail: {
            steps,
            ...(changes.scheduler === undefined ? {} : { scheduler: changes.scheduler }),
            ...(changes.sigmaSchedule === undefined ? {} : { sigmaSchedule: changes.sigmaSchedule }),
          },
        }
      : {}),
    ...(seed === null ? {} : { noiseSeed: seed }),
  };
}

/** One steering for each variation: the same, with noise of its own; the first seed is the chosen one, if there is one. */
export function variationsOf(steering: Steering, count: number, roll: () => string = randomSeed): readonly Steering[] {
  if (count <= 1) return [steering];
  const first = BigInt(steering.noiseSeed ?? roll());
  return Array.from({ length: count }, (_, index) => ({ ...steering, noiseSeed: BigInt.asUintN(64, first + BigInt(index)).toString() }));
}

/** A log with one entry done otherwise, or, where nothing is left of it, not at all. */
export function editedLog(log: readonly SteeringEntry[], at: number, steering: SteeringEntry['steering']): readonly SteeringEntry[] {
  return log.flatMap((entry, index) => {
    if (index !== at) return [entry];
    return Object.keys(steering).length === 0 ? [] : [{ afterStep: entry.afterStep, steering }];
  });
}
