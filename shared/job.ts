import { z } from 'zod';
import { errorCodes } from './errors.ts';
import {
  generationRequestSchema,
  guidanceEndSchema,
  providerIds,
  steeringEntrySchema,
  type Steering,
  steeringSchema,
} from './generation.ts';

export const failureSchema = z.object({
  code: z.enum(errorCodes),
  message: z.string(),
  nextStep: z.string().optional(),
  field: z.string().optional(),
  detail: z.string().optional(),
});

/** The numbers of one finished step. */
export const stepRecordSchema = z.object({
  /** 0-based. */
  stepIndex: z.int(),
  numTimesteps: z.int(),
  timestep: z.number(),
  /** Noise level of the step in sigma units, sqrt((1 - abar) / abar). */
  sigma: z.number(),
  /** The scale the step ran with; 1 when it was not guided. */
  guidanceScale: z.number(),
  guided: z.boolean(),
  /** UNet forwards for one picture: 2 when guided, else 1, however they were batched. */
  unetEvaluations: z.int(),
  /** Wall time of the step without any deliberate pace. */
  ms: z.number(),
  /** Relative RMS change of the clean estimate against the step before; null at the first. */
  estimateChange: z.number().nullable().default(null),
  /** |c - u| / |u| of the two predictions, and their cosine similarity; null when there were not two. */
  guidanceDistance: z.number().nullable().default(null),
  guidanceCosine: z.number().nullable().default(null),
  /** What was taken from an earlier step instead of a model call. */
  reused: z.enum(['none', 'unconditional', 'step']).default('none'),
});
export type StepRecord = z.infer<typeof stepRecordSchema>;

export const timingsSchema = z.object({
  load: z.number(),
  textEncode: z.number(),
  denoise: z.number(),
  sessionRun: z.number(),
  preview: z.number(),
  decode: z.number(),
  total: z.number(),
});

/** What really happened in a run; also the command line's `--trace` file. */
export const runTraceSchema = z.object({
  status: z.enum(['finished', 'stopped']),
  numTimesteps: z.int(),
  stepsDone: z.int(),
  steps: z.array(stepRecordSchema),
  unetEvaluationsTotal: z.int(),
  unetEvaluationsSaved: z.int(),
  provider: z.enum(providerIds),
  seed: z.string(),
  timingsMs: timingsSchema,
});
export type RunTrace = z.infer<typeof runTraceSchema>;

/** A picture in the library. Bytes are fetched from `url`, never sent as values. */
export const pictureSchema = z.object({
  id: z.string(),
  jobId: z.string(),
  /** ISO 8601, UTC. */
  createdAt: z.string(),
  width: z.int(),
  height: z.int(),
  url: z.string(),
  fileName: z.string(),
  /** `partial`: the clean estimate of a stopped run, kept on demand. */
  completeness: z.enum(['complete', 'partial']),
  request: generationRequestSchema,
  /** Its place in the run's batch. */
  batchIndex: z.int().min(0).default(0),
  modelName: z.string(),
  stepsDone: z.int(),
  numTimesteps: z.int(),
  unetEvaluationsTotal: z.int(),
  unetEvaluationsSaved: z.int(),
  provider: z.enum(providerIds),
  seconds: z.number(),
});
export type Picture = z.infer<typeof pictureSchema>;

/** A rectangle of a picture, in pixels. */
export const regionSchema = z.object({ left: z.int(), top: z.int(), width: z.int(), height: z.int() });
export type Region = z.infer<typeof regionSchema>;

/** How a model's tokenizer sees one text. */
export const tokenCountSchema = z.object({
  /** Tokens of every chunk; at least one chunk. */
  chunks: z.array(z.int()),
  /** Tokens a chunk has room for. */
  chunkSize: z.int(),
  /** Tokens that are left out, and the text they stand for. */
  cut: z.int(),
  cutText: z.string(),
});
export type TokenCount = z.infer<typeof tokenCountSchema>;

/** A step's preview, fetched as a small PNG from `url`. */
export const previewSchema = z.object({
  stepIndex: z.int(),
  width: z.int(),
  height: z.int(),
  url: z.string(),
  source: z.enum(['linear', 'decoder']),
  /** The part of the picture it covers; null: all of it. */
  region: regionSchema.nullable(),
});
export type Preview = z.infer<typeof previewSchema>;

export { steeringSchema, type Steering } from './generation.ts';

/** Where a run began, when it was not from noise or a picture: after that step (0-based) of another run. */
export const parentSchema = z.object({ jobId: z.string(), stepIndex: z.int().min(0) });
export type Parent = z.infer<typeof parentSchema>;

export const pauseReasons = ['asked', 'single-step', 'step', 'cutoff', 'settled'] as const;
export type PauseReason = (typeof pauseReasons)[number];

/** Where a run pauses by itself. `settled`: the clean estimate changes by less than `threshold` (relative RMS) in a step. */
export const breakpointSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('step'), stepIndex: z.int().min(0) }),
  /** Before the first unguided step. */
  z.object({ kind: z.literal('cutoff') }),
  z.object({ kind: z.literal('settled'), threshold: z.number().gt(0).max(1) }),
]);
export type Breakpoint = z.infer<typeof breakpointSchema>;

/** Why a callback of the user's own was switched off; the run went on without it. */
export const callbackProblemSchema = z.object({
  name: z.string(),
  /** 0-based index of the step it was asked at. */
  stepIndex: z.int(),
  /** In its source, counted from 1; null where there is no one place. */
  line: z.int().nullable(),
  message: z.string(),
});
export type CallbackProblem = z.infer<typeof callbackProblemSchema>;

export const jobStates = ['queued', 'loading', 'running', 'paused', 'decoding', 'finished', 'stopped', 'failed'] as const;
export type JobState = (typeof jobStates)[number];

/** The whole of a job as it stands: what a page that (re)connects needs. */
export const jobSnapshotSchema = z.object({
  jobId: z.string(),
  request: generationRequestSchema,
  state: z.enum(jobStates),
  stopping: z.boolean(),
  numTimesteps: z.int().nullable(),
  guidanceScale: z.number(),
  guidanceEnd: guidanceEndSchema,
  paceMs: z.number(),
  steps: z.array(stepRecordSchema),
  previews: z.array(previewSchema),
  failure: failureSchema.nullable(),
  keepable: z.boolean(),
  /** All pictures of the batch once they are saved. */
  pictures: z.array(pictureSchema),
  trace: runTraceSchema.nullable(),
  parent: parentSchema.nullable(),
  /** The steering log as executed. */
  log: z.array(steeringEntrySchema),
  callbackProblems: z.array(callbackProblemSchema).default([]),
});
export type JobSnapshot = z.infer<typeof jobSnapshotSchema>;

const base = { jobId: z.string() };

/** The life of a job. Nothing follows `finished`, `stopped`, `failed` but `kept`, `removed`, and `queued` when it goes on. */
export const jobEventSchema = z.discriminatedUnion('kind', [
  /** `job`: as it stands where that is more than its request: a fork, or a run that goes on. */
  z.object({
    ...base,
    kind: z.literal('queued'),
    request: generationRequestSchema,
    position: z.int(),
    job: jobSnapshotSchema.optional(),
  }),
  z.object({ ...base, kind: z.literal('loading'), part: z.string() }),
  z.object({ ...base, kind: z.literal('step'), step: stepRecordSchema }),
  z.object({ ...base, kind: z.literal('preview'), preview: previewSchema }),
  z.object({ ...base, kind: z.literal('steered'), steering: steeringSchema, afterStep: z.int() }),
  /** It waits after `stepsDone` steps, until `resumed`, `stopped` or `failed`. */
  z.object({ ...base, kind: z.literal('paused'), stepsDone: z.int(), reason: z.enum(pauseReasons) }),
  z.object({ ...base, kind: z.literal('resumed') }),
  z.object({ ...base, kind: z.literal('callback-problem'), ...callbackProblemSchema.shape }),
  z.object({ ...base, kind: z.literal('stopping'), hard: z.boolean() }),
  z.object({ ...base, kind: z.literal('decoding') }),
  z.object({ ...base, kind: z.literal('finished'), trace: runTraceSchema, pictures: z.array(pictureSchema).min(1) }),
  /** `trace` is null when the engine had to be replaced; `keepable`: a checkpoint with a clean estimate is there. */
  z.object({
    ...base,
    kind: z.literal('stopped'),
    stepsDone: z.int(),
    numTimesteps: z.int(),
    hard: z.boolean(),
    keepable: z.boolean(),
    trace: runTraceSchema.nullable(),
  }),
  z.object({ ...base, kind: z.literal('failed'), failure: failureSchema, stepsDone: z.int(), keepable: z.boolean() }),
  /** The clean estimate of a stopped or failed job was decoded and saved. */
  z.object({ ...base, kind: z.literal('kept'), pictures: z.array(pictureSchema).min(1) }),
  /** A queued job was taken out of the queue, or an ended one was cleared from the list. */
  z.object({ ...base, kind: z.literal('removed') }),
]);
export type JobEvent = z.infer<typeof jobEventSchema>;

export function isEnded(state: JobState): boolean {
  return state === 'finished' || state === 'stopped' || state === 'failed';
}

export function emptySnapshot(jobId: string, request: JobSnapshot['request'], paceMs: number): JobSnapshot {
  return {
    jobId,
    request,
    state: 'queued',
    stopping: false,
    numTimesteps: null,
    guidanceScale: request.guidanceScale,
    guidanceEnd: request.guidanceEnd,
    paceMs,
    steps: [],
    previews: [],
    failure: null,
    keepable: false,
    pictures: [],
    trace: null,
    parent: null,
    log: [],
    callbackProblems: [],
  };
}

/** An entry that is there already was told again by a run that went on from before it. */
function logged(log: JobSnapshot['log'], { paceMs: _, ...steering }: Steering, afterStep: number): JobSnapshot['log'] {
  if (Object.keys(steering).length === 0) return log;
  const before = log.findLast((entry) => entry.afterStep === afterStep);
  return JSON.stringify(before?.steering) === JSON.stringify(steering) ? log : [...log, { afterStep, steering }];
}

/** A callback is switched off once; a run that goes on may tell it again. */
function withProblem(problems: readonly CallbackProblem[], { name, stepIndex, line, message }: CallbackProblem): CallbackProblem[] {
  return [...problems.filter((other) => other.name !== name), { name, stepIndex, line, message }];
}

function isSameFrame(a: Preview, b: Preview): boolean {
  return a.stepIndex === b.stepIndex && a.source === b.source;
}

/**
 * One event applied to a snapshot: the single reducer that core and interface share. `removed` changes lists, not a job. A run
 * that goes on from an earlier step makes the steps after it again: they take the place of the old ones.
 */
export function applyJobEvent(job: JobSnapshot, event: JobEvent): JobSnapshot {
  switch (event.kind) {
    case 'queued':
      return event.job ?? job;
    case 'removed':
      return job;
    case 'loading':
      return { ...job, state: 'loading' };
    case 'step':
      return {
        ...job,
        state: 'running',
        numTimesteps: event.step.numTimesteps,
        steps: [...job.steps.filter(({ stepIndex }) => stepIndex < event.step.stepIndex), event.step],
      };
    case 'preview':
      return { ...job, previews: [...job.previews.filter((other) => !isSameFrame(other, event.preview)), event.preview] };
    case 'steered':
      return {
        ...job,
        guidanceScale: event.steering.guidanceScale ?? job.guidanceScale,
        guidanceEnd: event.steering.guidanceEnd ?? job.guidanceEnd,
        paceMs: event.steering.paceMs ?? job.paceMs,
        log: logged(job.log, event.steering, event.afterStep),
      };
    case 'paused':
      return { ...job, state: 'paused' };
    case 'resumed':
      return { ...job, state: 'running' };
    case 'callback-problem':
      return { ...job, callbackProblems: withProblem(job.callbackProblems, event) };
    case 'stopping':
      return { ...job, stopping: true };
    case 'decoding':
      return { ...job, state: 'decoding' };
    case 'finished':
      return { ...job, state: 'finished', stopping: false, pictures: event.pictures, trace: event.trace };
    case 'stopped':
      return { ...job, state: 'stopped', stopping: false, keepable: event.keepable, trace: event.trace, numTimesteps: event.numTimesteps };
    case 'failed':
      return { ...job, state: 'failed', stopping: false, failure: event.failure, keepable: event.keepable };
    case 'kept':
      return { ...job, pictures: event.pictures, keepable: false };
  }
}
