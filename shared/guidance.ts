import { z } from 'zod';
import { maxSteps } from './requestLimits.ts';

export const scaleSchema = z.number().min(0).max(30);

/**
 * When classifier-free guidance ends.
 * `ratio`: diffusers' SDCFGCutoffCallback: off at the END of step index trunc(T * ratio), so trunc(T * ratio) + 1 steps
 * are guided. `guided-steps`: exactly that many steps are guided, 0 meaning none.
 */
export const guidanceEndSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('never') }),
  z.object({ kind: z.literal('ratio'), ratio: z.number().min(0).max(1) }),
  z.object({ kind: z.literal('guided-steps'), steps: z.int().min(0).max(1000) }),
  /** For good once the cosine similarity of the two predictions reaches this: adaptive guidance, arXiv 2312.12487. */
  z.object({ kind: z.literal('evidence'), cosine: z.number().min(0).max(1) }),
]);
export type GuidanceEnd = z.infer<typeof guidanceEndSchema>;

/** The number of guided steps of a run with `numTimesteps` loop iterations, guidance being on at its start. */
export function guidedSteps(end: GuidanceEnd, numTimesteps: number): number {
  switch (end.kind) {
    case 'never':
    case 'evidence':
      return numTimesteps;
    case 'ratio':
      return Math.min(numTimesteps, Math.trunc(numTimesteps * end.ratio) + 1);
    case 'guided-steps':
      return Math.min(numTimesteps, end.steps);
  }
}

/** How the guidance scale runs over the steps while guidance is on; `guidanceScale` is where it starts. */
export const guidanceCurveSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('constant') }),
  z.object({ kind: z.literal('linear'), to: scaleSchema }),
  z.object({ kind: z.literal('cosine'), to: scaleSchema }),
  /** One scale a step; the last one holds for further steps. */
  z.object({ kind: z.literal('list'), scales: z.array(scaleSchema).min(1).max(2 * maxSteps) }),
  /** Drawn by hand: `at` is the share of the run's steps, ascending; straight lines, or a monotone cubic (Fritsch-Carlson). */
  z.object({
    kind: z.literal('points'),
    points: z.array(z.object({ at: z.number().min(0).max(1), scale: scaleSchema })).min(1).max(64),
    smooth: z.boolean(),
  }),
]);
export type GuidanceCurve = z.infer<typeof guidanceCurveSchema>;

/** Guidance only while the step's sigma lies within, both ends included (arXiv 2404.07724). */
export const guidanceIntervalSchema = z
  .object({ sigmaLow: z.number().min(0), sigmaHigh: z.number().min(0) })
  .refine(({ sigmaLow, sigmaHigh }) => sigmaLow <= sigmaHigh, { path: ['sigmaHigh'], message: 'not below sigmaLow' });
export type GuidanceInterval = z.infer<typeof guidanceIntervalSchema>;
