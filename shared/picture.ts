import { z } from 'zod';
import { generationRequestSchema, providerIds } from './generation.ts';

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
  /** Of the outermost layers alone; left out: none. */
  unetEvaluationsShallow: z.int().optional(),
  provider: z.enum(providerIds),
  seconds: z.number(),
});
export type Picture = z.infer<typeof pictureSchema>;

/** A rectangle of a picture, in pixels. */
export const regionSchema = z.object({ left: z.int(), top: z.int(), width: z.int(), height: z.int() });
export type Region = z.infer<typeof regionSchema>;

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
