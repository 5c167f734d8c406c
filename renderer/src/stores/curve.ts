import { type GuidanceCurve, maxSteps } from '../../../shared/generation.ts';
import { curveAt, type CurvePoint, type PointsCurve, shareOf, unguidedScale } from '../../../shared/guidanceCurve.ts';

/** The guidance scale over the steps as somebody draws it: where it starts, and how it goes on. */
export interface CurveShape {
  readonly guidanceScale: number;
  readonly curve: GuidanceCurve;
}

/** A point that can be taken hold of. */
export interface CurveHandle {
  /** Its place in the list that it belongs to. */
  readonly index: number;
  /** 0-based; between two steps where the curve was drawn for another number of steps. */
  readonly step: number;
  readonly scale: number;
  /** An end of a curve that is no list of points goes up and down only. */
  readonly moves: 'both' | 'scale';
}

export const scaleRange = { min: 0, max: 30 };
export const mostPoints = 64;

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

/** A scale as it is written: tenths are as fine as a hand can tell apart. */
export function tidyScale(scale: number): number {
  return Number(clamp(scale, scaleRange.min, scaleRange.max).toFixed(1));
}

const stepOf = (at: number, total: number): number => at * Math.max(0, total - 1);

/** What can be taken hold of before a run. A list is turned into points by its first change, where it has not too many steps. */
export function handlesOf({ guidanceScale, curve }: CurveShape, total: number): readonly CurveHandle[] {
  switch (curve.kind) {
    case 'points':
      return handlesOfPoints(curve.points, total);
    case 'list':
      return total > mostPoints ? [] : handlesOfPoints(pointsOf({ guidanceScale, curve }, total).points, total);
    case 'constant':
    case 'linear':
    case 'cosine': {
      const start = { index: 0, step: 0, scale: guidanceScale, moves: 'scale' } as const;
      const end = { index: 1, step: Math.max(0, total - 1), scale: curve.kind === 'constant' ? guidanceScale : curve.to, moves: 'scale' } as const;
      return total < 2 ? [start] : [start, end];
    }
  }
}

function handlesOfPoints(points: readonly CurvePoint[], total: number): readonly CurveHandle[] {
  return points.map(({ at, scale }, index) => ({ index, step: stepOf(at, total), scale, moves: 'both' }));
}

/** The same curve as points: exact at every step for a constant, a line and a list; a cosine through five of its values. */
export function pointsOf(shape: CurveShape, total: number): PointsCurve {
  const { curve } = shape;
  if (curve.kind === 'points') return curve;
  const last = Math.max(0, total - 1);
  const many = curve.kind === 'list' ? Math.min(last, mostPoints - 1) : curve.kind === 'cosine' ? Math.min(last, 4) : Math.min(last, 1);
  const steps = many === 0 ? [0] : Array.from({ length: many + 1 }, (_, index) => Math.round((index * last) / many));
  return { kind: 'points', smooth: curve.kind === 'cosine', points: steps.map((step) => pointAt(shape, step, total)) };
}

function pointAt(shape: CurveShape, step: number, total: number): CurvePoint {
  return { at: shareOf(step, total), scale: curveAt({ guidanceScale: shape.guidanceScale, guidanceCurve: shape.curve }, step, total) };
}

/**
 * The curve of a run that goes on, as points: what is past stays as it was, what is ahead can be bent from the last step
 * that can no longer change.
 * @param locked steps that can no longer change
 */
export function runPoints(shape: CurveShape, total: number, locked: number): PointsCurve {
  const whole = pointsOf(shape, total);
  if (shape.curve.kind === 'points' || locked === 0) return whole;
  const edge = pointAt(shape, Math.min(locked, total) - 1, total);
  const ahead = whole.points.filter(({ at }) => at > edge.at);
  return { ...whole, points: [edge, ...ahead].slice(0, mostPoints) };
}

/** The handles of a run's points that lie ahead. */
export function handlesAhead({ points }: PointsCurve, total: number, locked: number): readonly CurveHandle[] {
  return handlesOfPoints(points, total).filter(({ step }) => step > locked - 1 + 1e-9);
}

export interface CurvePlace {
  readonly step: number;
  readonly scale: number;
}

/** Whole steps give the very share that the loop works out, so that a jump drawn at a step is met by it. */
function shareAt(step: number, total: number): number {
  const near = Math.round(step);
  return clamp(shareOf(Math.abs(step - near) < 1e-6 ? near : step, total), 0, 1);
}

/**
 * Between its neighbours. Points at the same place are a jump, and go sideways together.
 * @param locked steps that can no longer change
 */
export function movePoint(curve: PointsCurve, total: number, index: number, place: CurvePlace, locked = 0): PointsCurve {
  const { points } = curve;
  const here = points[index];
  if (here === undefined) return curve;
  const first = points.findIndex(({ at }) => at === here.at);
  const last = points.findLastIndex(({ at }) => at === here.at);
  const low = Math.max(points[first - 1]?.at ?? 0, locked === 0 ? 0 : shareAt(Math.min(locked, total - 1), total));
  const high = points[last + 1]?.at ?? 1;
  const at = clamp(shareAt(place.step, total), Math.min(low, high), high);
  const scale = tidyScale(place.scale);
  return {
    ...curve,
    points: points.map((point, other) => (other < first || other > last ? point : { at, scale: other === index ? scale : point.scale })),
  };
}

/** A point more, and its index; null when there are as many as there may be. */
export function addPoint(curve: PointsCurve, total: number, place: CurvePlace): { readonly curve: PointsCurve; readonly index: number } | null {
  if (curve.points.length >= mostPoints) return null;
  const added = { at: shareAt(place.step, total), scale: tidyScale(place.scale) };
  const after = curve.points.findIndex(({ at }) => at > added.at);
  const index = after < 0 ? curve.points.length : after;
  return { index, curve: { ...curve, points: curve.points.toSpliced(index, 0, added) } };
}

/** One point always stays. */
export function removePoint(curve: PointsCurve, index: number): PointsCurve {
  return curve.points.length <= 1 ? curve : { ...curve, points: curve.points.toSpliced(index, 1) };
}

/** A change of a handle before a run. */
export function moveHandle(shape: CurveShape, total: number, index: number, place: CurvePlace): CurveShape {
  const { curve } = shape;
  const scale = tidyScale(place.scale);
  if (curve.kind === 'points' || curve.kind === 'list') return { ...shape, curve: movePoint(pointsOf(shape, total), total, index, place) };
  if (index === 0) return { ...shape, guidanceScale: scale };
  // The end of a level line, pulled away, makes it a slope.
  return { ...shape, curve: { kind: curve.kind === 'constant' ? 'linear' : curve.kind, to: scale } };
}

export const curvePresets = ['constant', 'cutoff', 'interval', 'linear', 'cosine', 'monotone'] as const;
export type CurvePreset = (typeof curvePresets)[number];

export interface PresetShape {
  readonly curve: GuidanceCurve;
  /** Guided steps; null: guidance never ends. */
  readonly cutoff: number | null;
}

/**
 * A curve to begin with. `cutoff`: diffusers' cutoff at 40 %, trunc(0.4 T) + 1 steps. `interval`: none at both ends, after
 * arXiv 2404.07724, here in steps. `monotone`: rising through the scale itself, after arXiv 2404.13040.
 */
export function presetShape(preset: CurvePreset, guidanceScale: number, total: number): PresetShape {
  const never = { cutoff: null };
  const level = tidyScale(guidanceScale);
  switch (preset) {
    case 'constant':
      return { ...never, curve: { kind: 'constant' } };
    case 'cutoff':
      return { curve: { kind: 'constant' }, cutoff: Math.min(total, Math.trunc(total * 0.4) + 1) };
    case 'linear':
    case 'cosine':
      return { ...never, curve: { kind: preset, to: unguidedScale } };
    case 'interval': {
      const from = shareOf(Math.round(total * 0.15), total);
      const to = shareOf(Math.round(total * 0.65), total);
      const points = [
        { at: 0, scale: unguidedScale },
        { at: from, scale: unguidedScale },
        { at: from, scale: level },
        { at: to, scale: level },
        { at: to, scale: unguidedScale },
        { at: 1, scale: unguidedScale },
      ];
      return { ...never, curve: { kind: 'points', smooth: false, points: total < 4 ? [{ at: 0, scale: level }] : points } };
    }
    case 'monotone': {
      const points = [
        { at: 0, scale: unguidedScale },
        { at: 0.5, scale: level },
        { at: 1, scale: tidyScale(2 * level - unguidedScale) },
      ];
      return { ...never, curve: { kind: 'points', smooth: true, points } };
    }
  }
}

/** The preset a shape still is, so that it can be shown as chosen; null once it has been changed. */
export function presetOf({ guidanceScale, curve }: CurveShape, cutoff: number | null, total: number): CurvePreset | null {
  const isCut = cutoff !== null && cutoff < total;
  if (curve.kind === 'constant') return isCut ? 'cutoff' : 'constant';
  if (curve.kind === 'linear' || curve.kind === 'cosine') return curve.kind;
  const same = (preset: CurvePreset): boolean => isSameCurve(presetShape(preset, guidanceScale, total).curve, curve);
  return same('interval') ? 'interval' : same('monotone') ? 'monotone' : null;
}

function isSameCurve(a: GuidanceCurve, b: GuidanceCurve): boolean {
  if (a.kind !== 'points' || b.kind !== 'points') return false;
  const { points } = b;
  const samePoint = ({ at, scale }: CurvePoint, index: number): boolean => points[index]?.at === at && points[index].scale === scale;
  return a.smooth === b.smooth && a.points.length === points.length && a.points.every(samePoint);
}

const axisEnds = [6, 8, 10, 12, 15, 20, 25, 30] as const;

/** Where the axis of scales ends, with room above the highest. */
export function axisEnd(scales: readonly number[]): number {
  const most = Math.max(1, ...scales.slice(0, 2 * maxSteps));
  return axisEnds.find((end) => end >= most * 1.15) ?? scaleRange.max;
}
