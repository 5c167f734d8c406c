import { z } from 'zod';
import { providerIds } from './generation.ts';

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
  /** Whole UNet forwards for one picture: 2 when guided, else 1, however they were batched; {@link shallowEvaluations} are no such. */
  unetEvaluations: z.int(),
  /** Wall time of the step without any deliberate pace. */
  ms: z.number(),
  /** Relative RMS change of the clean estimate against the step before; null at the first. */
  estimateChange: z.number().nullable().default(null),
  /** |c - u| / |u| of the two predictions, and their cosine similarity; null when there were not two. */
  guidanceDistance: z.number().nullable().default(null),
  guidanceCosine: z.number().nullable().default(null),
  /** What was taken from an earlier step instead of a model call; `features`: for one of the outermost layers only. */
  reused: z.enum(['none', 'unconditional', 'step', 'features']).default('none'),
});
export type StepRecord = z.infer<typeof stepRecordSchema>;

/** Forwards through the UNet's outermost layers alone, for one picture: neither counted as whole ones nor as saved. */
export function shallowEvaluations({ reused, guided }: Pick<StepRecord, 'reused' | 'guided'>): number {
  return reused === 'features' ? (guided ? 2 : 1) : 0;
}

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
  /** Whole ones. */
  unetEvaluationsTotal: z.int(),
  /** Against a run guided to its end; those of the outermost layers alone are not among them. */
  unetEvaluationsSaved: z.int(),
  provider: z.enum(providerIds),
  seed: z.string(),
  timingsMs: timingsSchema,
});
export type RunTrace = z.infer<typeof runTraceSchema>;
