import { assertNever } from './errors.ts';
import { type GenerationRequest, type GuidanceCurve, type GuidanceEnd, guidedSteps } from './generation.ts';

export type GuidancePlan = Pick<GenerationRequest, 'guidanceScale' | 'guidanceEnd' | 'guidanceCurve' | 'guidanceInterval'>;

/** At this scale or below, the unconditional half adds nothing: diffusers does not compute it either. */
export const unguidedScale = 1;

export function isGuided(scale: number): boolean {
  return scale > unguidedScale;
}

/**
 * Whether a step lies before the point where guidance ends.
 * @param mostCosine see {@link scaleForStep}: an end by evidence is behind once this has reached it, for good
 */
export function isWithinGuidance(end: GuidanceEnd, stepIndex: number, numTimesteps: number, mostCosine: number | null = null): boolean {
  if (end.kind === 'evidence') return mostCosine === null || mostCosine < end.cosine;
  return stepIndex < guidedSteps(end, numTimesteps);
}

/**
 * The guidance scale of a step; 1 where guidance is off. Pure: the loop asks it for every step, and the interface draws what
 * it will answer.
 * @param stepIndex 0-based among the `numTimesteps` steps of the run
 * @param sigma the step's noise level in sigma units; null where it is not known yet: the interval is then left aside
 * @param mostCosine the highest cosine similarity of the two predictions at any step before; null where none was measured
 */
export function scaleForStep(
  plan: GuidancePlan,
  stepIndex: number,
  numTimesteps: number,
  sigma: number | null,
  mostCosine: number | null = null,
): number {
  if (!isWithinGuidance(plan.guidanceEnd, stepIndex, numTimesteps, mostCosine)) return unguidedScale;
  const interval = plan.guidanceInterval;
  if (interval !== null && sigma !== null && (sigma < interval.sigmaLow || sigma > interval.sigmaHigh)) return unguidedScale;
  return curveAt(plan, stepIndex, numTimesteps);
}

/** Where a step lies on a curve: 0 the first, 1 the last. A run of one step is all start. */
export function shareOf(stepIndex: number, numTimesteps: number): number {
  return numTimesteps > 1 ? stepIndex / (numTimesteps - 1) : 0;
}

/** The curve alone, wherever guidance begins and ends. */
export function curveAt(
  { guidanceScale, guidanceCurve: curve }: Pick<GuidancePlan, 'guidanceScale' | 'guidanceCurve'>,
  stepIndex: number,
  numTimesteps: number,
): number {
  const share = shareOf(stepIndex, numTimesteps);
  switch (curve.kind) {
    case 'constant':
      return guidanceScale;
    case 'linear':
      return guidanceScale + (curve.to - guidanceScale) * share;
    case 'cosine':
      return guidanceScale + ((curve.to - guidanceScale) * (1 - Math.cos(Math.PI * share))) / 2;
    case 'list':
      return curve.scales[Math.min(stepIndex, curve.scales.length - 1)] ?? guidanceScale;
    case 'points':
      return pointsAt(curve, share);
    default:
      return assertNever(curve);
  }
}

export type PointsCurve = Extract<GuidanceCurve, { kind: 'points' }>;
export type CurvePoint = PointsCurve['points'][number];

/**
 * A curve through points drawn by hand, level before the first and behind the last. Of two points at the same place the
 * later one counts from there on.
 * @param share place among the run's steps, 0 the first, 1 the last
 */
export function pointsAt({ points, smooth }: PointsCurve, share: number): number {
  const [first] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined) return unguidedScale;
  const after = points.findIndex(({ at }) => at > share);
  if (after === 0) return first.scale;
  const [from, to] = [points[after - 1], points[after]];
  if (after < 0 || from === undefined || to === undefined) return last.scale;
  const width = to.at - from.at;
  const x = (share - from.at) / width;
  if (!smooth) return from.scale + (to.scale - from.scale) * x;
  return hermite(from.scale, to.scale, width * tangentAt(points, after - 1), width * tangentAt(points, after), x);
}

function slopeBetween(a: CurvePoint, b: CurvePoint): number {
  return b.at > a.at ? (b.scale - a.scale) / (b.at - a.at) : 0;
}

/**
 * The slope at a point such that the cubic through it overshoots nowhere: Fritsch and Carlson (SIAM J. Numer. Anal. 17,
 * 1980), with the weighted harmonic mean of the slopes beside it (Fritsch and Butland 1984); 0 at a peak and at both ends.
 */
function tangentAt(points: readonly CurvePoint[], index: number): number {
  const [before, here, after] = [points[index - 1], points[index], points[index + 1]];
  if (before === undefined || here === undefined || after === undefined) return 0;
  const [left, right] = [slopeBetween(before, here), slopeBetween(here, after)];
  if (left * right <= 0) return 0;
  const [near, far] = [here.at - before.at, after.at - here.at];
  const [w1, w2] = [2 * far + near, far + 2 * near];
  return (w1 + w2) / (w1 / left + w2 / right);
}

function hermite(from: number, to: number, startSlope: number, endSlope: number, x: number): number {
  const [square, cube] = [x * x, x * x * x];
  return (
    (2 * cube - 3 * square + 1) * from + (cube - 2 * square + x) * startSlope + (3 * square - 2 * cube) * to + (cube - square) * endSlope
  );
}
