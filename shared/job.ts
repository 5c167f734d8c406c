import { z } from 'zod';
import { errorCodes } from './errors.ts';
import { generationRequestSchema, guidanceEndSchema, steeringEntrySchema, steeringSchema } from './generation.ts';
import { pictureSchema, previewSchema } from './picture.ts';
import { runTraceSchema, stepRecordSchema } from './runTrace.ts';

export { steeringSchema, type Steering } from './generation.ts';
export { applyJobEvent, emptySnapshot } from './jobReducer.ts';
export { type Picture, pictureSchema, type Preview, previewSchema, type Region, regionSchema } from './picture.ts';
export { type RunTrace, runTraceSchema, shallowEvaluations, type StepRecord, stepRecordSchema, timingsSchema } from './runTrace.ts';
export { type TokenCount, tokenCountSchema } from './tokenCount.ts';

export const failureSchema = z.object({
  code: z.enum(errorCodes),
  message: z.string(),
  nextStep: z.string().optional(),
  field: z.string().optional(),
  detail: z.string().optional(),
});

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

/** Of what a callback wrote by `console.log`. */
export const callbackLineSchema = z.object({
  /** The callback's. */
  name: z.string(),
  /** 0-based index of the step it was asked at; -1: its top level, before the first. */
  stepIndex: z.int().min(-1),
  text: z.string(),
});
export type CallbackLine = z.infer<typeof callbackLineSchema>;

/** Lines that one call of a callback tells, and characters of each; a call that wrote more tells its last. */
export const maxLinesAStep = 20;
export const maxLineLength = 300;

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
  /** The last lines that its callbacks wrote, oldest first. */
  callbackLog: z.array(callbackLineSchema).default([]),
  /** Where it pauses by itself; kept when it ends, for it may go on. */
  breakpoints: z.array(breakpointSchema).default([]),
});
export type JobSnapshot = z.infer<typeof jobSnapshotSchema>;

const base = { jobId: z.string() };

/** The life of a job. Nothing follows `finished`, `stopped`, `failed` but `kept`, `removed`, `breakpoints`, and `queued` when it goes on. */
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
  /** What was steered could not be done; the run goes on as it was. */
  z.object({ ...base, kind: z.literal('steer-refused'), steering: steeringSchema, failure: failureSchema }),
  /** In place of those it had. */
  z.object({ ...base, kind: z.literal('breakpoints'), breakpoints: z.array(breakpointSchema) }),
  z.object({ ...base, kind: z.literal('callback-problem'), ...callbackProblemSchema.shape }),
  /** What one call of a callback wrote. */
  z.object({ ...base, kind: z.literal('callback-log'), name: z.string(), stepIndex: z.int().min(-1), lines: z.array(z.string().max(maxLineLength)).min(1).max(maxLinesAStep) }),
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
