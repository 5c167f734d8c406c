import { describe, expect, it } from 'vitest';
import { guidanceCurveSchema } from '../../../shared/generation.ts';
import { curveAt, pointsAt, shareOf, type PointsCurve } from '../../../shared/guidanceCurve.ts';
import { addPoint, axisEnd, type CurveShape, curvePresets, handlesAhead, handlesOf, moveHandle, movePoint, pointsOf, presetOf, presetShape, removePoint, runPoints } from './curve.ts';

const total = 20;
const level: CurveShape = { guidanceScale: 7, curve: { kind: 'constant' } };
const line: CurveShape = { guidanceScale: 8, curve: { kind: 'linear', to: 2 } };
const valuesOf = ({ guidanceScale, curve }: CurveShape): number[] =>
  Array.from({ length: total }, (_, step) => curveAt({ guidanceScale, guidanceCurve: curve }, step, total));
const points = (smooth: boolean, ...list: [at: number, scale: number][]): PointsCurve => ({
  kind: 'points',
  smooth,
  points: list.map(([at, scale]) => ({ at, scale })),
});

describe('a curve drawn by hand', () => {
  it.each<[string, CurveShape]>([
    ['constant', level],
    ['linear', line],
    ['list', { guidanceScale: 8, curve: { kind: 'list', scales: [9, 3, 5] } }],
  ])('a %s one is the same curve as points, at every step', (_, shape) => {
    const drawn = pointsOf(shape, total);
    const drawnValues = Array.from({ length: total }, (__, step) => pointsAt(drawn, shareOf(step, total)));
    drawnValues.forEach((value, step) => expect(value).toBeCloseTo(valuesOf(shape)[step] ?? NaN, 10));
  });

  it('a level line, pulled at its end, becomes a slope; at its start it goes up as a whole', () => {
    expect(handlesOf(level, total).map(({ step, moves }) => [step, moves])).toEqual([[0, 'scale'], [19, 'scale']]);
    expect(moveHandle(level, total, 1, { step: 3, scale: 2.04 })).toEqual({ guidanceScale: 7, curve: { kind: 'linear', to: 2 } });
    expect(moveHandle(level, total, 0, { step: 3, scale: 40 })).toEqual({ guidanceScale: 30, curve: { kind: 'constant' } });
  });

  it('a point stays between its neighbours, on whole steps exactly', () => {
    const drawn = points(false, [0, 8], [shareOf(6, total), 5], [1, 2]);
    expect(movePoint(drawn, total, 1, { step: 7, scale: 4 }).points[1]).toEqual({ at: shareOf(7, total), scale: 4 });
    expect(movePoint(drawn, total, 1, { step: 40, scale: -3 }).points[1]).toEqual({ at: 1, scale: 0 });
    expect(movePoint(drawn, total, 1, { step: -2, scale: 4 }, 5).points[1]?.at).toBe(shareOf(5, total));
  });

  it('a jump goes sideways as one and stays a jump for the step that meets it', () => {
    const { curve } = presetShape('interval', 7, total);
    if (curve.kind !== 'points') throw new Error('The interval is drawn as points.');
    const moved = movePoint(curve, total, 2, { step: 5, scale: 7 });
    expect(moved.points.slice(1, 3)).toEqual([{ at: shareOf(5, total), scale: 1 }, { at: shareOf(5, total), scale: 7 }]);
    expect([4, 5].map((step) => pointsAt(moved, shareOf(step, total)))).toEqual([1, 7]);
    // The same move by a place that arithmetic has blurred.
    const blurred = movePoint(moved, total, 2, { step: shareOf(5, total) * 19 + 1e-12, scale: 6 });
    expect([4, 5].map((step) => pointsAt(blurred, shareOf(step, total)))).toEqual([1, 6]);
  });

  it('points come and go; one stays', () => {
    const drawn = pointsOf(line, total);
    const added = addPoint(drawn, total, { step: 10, scale: 9 });
    expect(added?.index).toBe(1);
    expect(added?.curve.points).toHaveLength(3);
    expect(removePoint(added?.curve ?? drawn, 1)).toEqual(drawn);
    expect(removePoint(points(false, [0, 3]), 0).points).toHaveLength(1);
    const full = points(false, ...Array.from({ length: 64 }, (_, index): [number, number] => [index / 63, 3]));
    expect(addPoint(full, total, { step: 3, scale: 3 })).toBeNull();
  });

  it.each(curvePresets)('%s is a curve that the core takes, and is known again', (preset) => {
    for (const steps of [1, 2, 5, 20, 500]) expect(guidanceCurveSchema.safeParse(presetShape(preset, 7, steps).curve).success).toBe(true);
    const { curve, cutoff } = presetShape(preset, 7, total);
    expect(presetOf({ guidanceScale: 7, curve }, cutoff, total)).toBe(preset);
    // As the form puts it together.
    if (curve.kind === 'points') {
      const { kind, points: list, smooth } = curve;
      expect(presetOf({ guidanceScale: 7, curve: { kind, points: list.map(({ at, scale }) => ({ scale, at })), smooth } }, cutoff, total)).toBe(preset);
    }
    expect(presetOf({ guidanceScale: 7, curve: points(true, [0, 3], [1, 4]) }, null, total)).toBeNull();
  });

  it('the cutoff is the one of diffusers at 0.4', () => {
    expect([20, 30, 50].map((steps) => presetShape('cutoff', 7, steps).cutoff)).toEqual([9, 13, 21]);
  });
});

describe('the curve of a run', () => {
  it('can be bent from the last step that is past', () => {
    const drawn = runPoints(line, total, 6);
    expect(drawn.points.map(({ at }) => at)).toEqual([shareOf(5, total), 1]);
    Array.from({ length: 15 }, (_, index) => index + 5).forEach((step) =>
      expect(pointsAt(drawn, shareOf(step, total))).toBeCloseTo(valuesOf(line)[step] ?? NaN, 10),
    );
    expect(handlesAhead(drawn, total, 6).map(({ index, step }) => [index, step])).toEqual([[1, 19]]);
  });

  it('offers only points that lie ahead, and they cannot be pulled into the past', () => {
    const drawn = points(false, [0, 8], [shareOf(4, total), 5], [shareOf(12, total), 4], [1, 2]);
    expect(handlesAhead(runPoints({ guidanceScale: 7, curve: drawn }, total, 6), total, 6).map(({ index }) => index)).toEqual([2, 3]);
    expect(movePoint(drawn, total, 2, { step: 1, scale: 3 }, 6).points[2]?.at).toBe(shareOf(6, total));
  });
});

it('the axis ends above the highest scale, and never beyond what there is', () => {
  expect([1, 7, 8, 14, 30].map((scale) => axisEnd([scale]))).toEqual([6, 10, 10, 20, 30]);
});
