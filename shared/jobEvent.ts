import { z } from 'zod';
import { generationRequestSchema, steeringSchema } from './generation.ts';
import {
  breakpointSchema,
  callbackProblemSchema,
  failureSchema,
  jobSnapshotSchema,
  maxLineLength,
  maxLinesAStep,
  pauseReasons,
} from './jobSnapshot.ts';
import { pictureSchema, previewSchema } from './picture.ts';
import { runTraceSchema, stepRecordSchema } from './runTrace.ts';
import { runWarningSchema } from './runWarning.ts';

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
  /** Something was not done as asked; the run goes on. It may come while the model is loaded. */
  z.object({ ...base, kind: z.literal('warning'), ...runWarningSchema.shape }),
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
