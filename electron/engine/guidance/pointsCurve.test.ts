import { describe, expect, it } from 'vitest';
import { type PointsCurve, pointsAt } from './pointsCurve.ts';

const curve = (smooth: boolean, ...points: [at: number, scale: number][]): PointsCurve => ({
  kind: 'points',
  smooth,
  points: points.map(([at, scale]) => ({ at, scale })),
});
const shares = Array.from({ length: 201 }, (_, index) => index / 200);

describe('a curve through points', () => {
  const drawn: [number, number][] = [[0.1, 2], [0.3, 9], [0.5, 8], [0.5001, 3], [0.9, 3]];

  it.each([false, true])('goes through all of them, level before and behind (smooth: %s)', (smooth) => {
    for (const [at, scale] of drawn) expect(pointsAt(curve(smooth, ...drawn), at)).toBeCloseTo(scale, 10);
    expect([0, 0.05, 0.95, 1].map((share) => pointsAt(curve(smooth, ...drawn), share))).toEqual([2, 2, 3, 3]);
    expect(pointsAt(curve(smooth, [0.4, 6]), 0.9)).toBe(6);
  });

  it('is straight between them', () => {
    expect(pointsAt(curve(false, [0, 1], [1, 5]), 0.25)).toBe(2);
    expect(pointsAt(curve(false, [0, 8], [0.5, 4], [1, 2]), 0.75)).toBe(3);
  });

  it('smooth overshoots nowhere: between two points it stays between their scales, and rises or falls throughout', () => {
    for (let round = 0; round < 50; round++) {
      const points: [number, number][] = Array.from({ length: 6 }, (_, index) => [index / 5, Math.random() * 30]);
      const given = curve(true, ...points);
      for (const [index, [at, scale]] of points.slice(0, -1).entries()) {
        const [end, next] = points[index + 1] ?? [1, 0];
        const values = shares.map((share) => pointsAt(given, at + share * (end - at) * 0.999_999));
        expect(Math.min(...values)).toBeGreaterThanOrEqual(Math.min(scale, next) - 1e-9);
        expect(Math.max(...values)).toBeLessThanOrEqual(Math.max(scale, next) + 1e-9);
        const signs = new Set(values.slice(1).map((value, step) => Math.sign(Math.round(1e9 * (value - (values[step] ?? 0))))));
        expect(signs.has(1) && signs.has(-1)).toBe(false);
      }
    }
  });

  it('smooth is the curve of PCHIP within, from scipy 1.17', () => {
    // scipy.interpolate.PchipInterpolator([0, .2, .5, 1], [8, 6, 3, 2]) at .3 and .4; its slopes at the ends are others.
    const given = curve(true, [0, 8], [0.2, 6], [0.5, 3], [1, 2]);
    expect(pointsAt(given, 0.3)).toBeCloseTo(4.856209150326797, 12);
    expect(pointsAt(given, 0.4)).toBeCloseTo(3.7124183006535945, 12);
  });

  it('of two points at one place jumps there', () => {
    const given = curve(false, [0, 8], [0.5, 8], [0.5, 2], [1, 2]);
    expect([0.49, 0.5, 0.51].map((share) => pointsAt(given, share))).toEqual([8, 2, 2]);
  });
});
