import { z } from 'zod';
import { guidanceCurveSchema, guidanceEndSchema, guidanceIntervalSchema, scaleSchema } from './guidance.ts';
import { loraCurveSchema, loraNameSchema, loraStrengthSchema, maxLoras } from './loras.ts';
import { seedSchema } from './noise.ts';
import { maxSteps, promptSchema } from './requestLimits.ts';
import { reuseSchema } from './reuse.ts';
import { schedulerIds, sigmaScheduleIds, timestepSpacingIds } from './samplers.ts';

/** A new plan for the steps that are left, from the noise level the run has reached down to none. */
export const tailSchema = z.object({
  steps: z.int().min(1).max(maxSteps),
  scheduler: z.enum(schedulerIds).optional(),
  sigmaSchedule: z.enum(sigmaScheduleIds).optional(),
  timestepSpacing: z.enum(timestepSpacingIds).optional(),
});
export type Tail = z.infer<typeof tailSchema>;

/** What may change while a run goes on; applied from the next step. Everything here but `paceMs` changes the picture. */
export const steeringSchema = z.object({
  guidanceScale: scaleSchema.optional(),
  guidanceEnd: guidanceEndSchema.optional(),
  guidanceCurve: guidanceCurveSchema.optional(),
  guidanceInterval: guidanceIntervalSchema.nullable().optional(),
  guidanceRescale: z.number().min(0).max(1).optional(),
  prompt: promptSchema.optional(),
  negativePrompt: promptSchema.nullable().optional(),
  /** For the noise that later steps add; what was drawn stays. */
  noiseSeed: seedSchema.optional(),
  tail: tailSchema.optional(),
  reuse: reuseSchema.optional(),
  /** Strengths of LoRAs the run was started with; a strength given here ends the LoRA's curve. */
  loras: z
    .array(z.object({ name: loraNameSchema, strength: loraStrengthSchema, curve: loraCurveSchema.optional() }))
    .max(maxLoras)
    .optional(),
  /** Least wall time of a step in milliseconds, so that a fast model can be watched. 0: full speed. */
  paceMs: z.number().min(0).max(10_000).optional(),
});
export type Steering = z.infer<typeof steeringSchema>;

/** Something done to a run; together with the request it is all that is needed to draw the same picture again. */
export const steeringEntrySchema = z.object({
  /** 0-based index of the step after which it counts. */
  afterStep: z.int().min(0),
  steering: steeringSchema.omit({ paceMs: true }),
});
export type SteeringEntry = z.infer<typeof steeringEntrySchema>;
