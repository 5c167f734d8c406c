import { z } from 'zod';
import { errorCodes } from './errors.ts';
import { generationRequestSchema, guidanceEndSchema, steeringEntrySchema } from './generation.ts';
import { pictureSchema, previewSchema } from './picture.ts';
import { runTraceSchema, stepRecordSchema } from './runTrace.ts';
import { runWarningSchema } from './runWarning.ts';

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

export function isEnded(state: JobState): boolean {
  return state === 'finished' || state === 'stopped' || state === 'failed';
}

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
  /** What of it was not done as asked, oldest first. */
  warnings: z.array(runWarningSchema).default([]),
  /** Where it pauses by itself; kept when it ends, for it may go on. */
  breakpoints: z.array(breakpointSchema).default([]),
});
export type JobSnapshot = z.infer<typeof jobSnapshotSchema>;
