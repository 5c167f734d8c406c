import { describe, expect, it } from 'vitest';
import { type GuidancePlan, scaleForStep } from './guidanceCurve.ts';

const plan = (change: Partial<GuidancePlan> = {}): GuidancePlan => ({
  guidanceScale: 8,
  guidanceEnd: { kind: 'never' },
  guidanceCurve: { kind: 'constant' },
  guidanceInterval: null,
  ...change,
});
const scales = (given: GuidancePlan, steps = 5): number[] =>
  Array.from({ length: steps }, (_, index) => scaleForStep(given, index, steps, 10 - index));

describe('the guidance scale of a step', () => {
  it('runs from the scale to the end of its curve', () => {
    expect(scales(plan())).toEqual([8, 8, 8, 8, 8]);
    expect(scales(plan({ guidanceCurve: { kind: 'linear', to: 4 } }))).toEqual([8, 7, 6, 5, 4]);
    const cosine = scales(plan({ guidanceCurve: { kind: 'cosine', to: 4 } }));
    [8, 6 + Math.SQRT2, 6, 6 - Math.SQRT2, 4].forEach((wanted, index) => expect(cosine[index]).toBeCloseTo(wanted, 12));
    expect(scales(plan({ guidanceCurve: { kind: 'list', scales: [9, 3] } }))).toEqual([9, 3, 3, 3, 3]);
  });

  it('of a run of one step is where the curve starts', () => {
    expect(scales(plan({ guidanceCurve: { kind: 'linear', to: 4 } }), 1)).toEqual([8]);
    expect(scales(plan({ guidanceCurve: { kind: 'cosine', to: 4 } }), 1)).toEqual([8]);
  });

  it('is 1 outside the interval, whose ends belong to it', () => {
    expect(scales(plan({ guidanceInterval: { sigmaLow: 7, sigmaHigh: 9 } }))).toEqual([1, 8, 8, 8, 1]);
  });

  it('is 1 from where guidance ends', () => {
    expect(scales(plan({ guidanceEnd: { kind: 'guided-steps', steps: 2 }, guidanceCurve: { kind: 'linear', to: 4 } }))).toEqual([8, 7, 1, 1, 1]);
    expect(scales(plan({ guidanceEnd: { kind: 'ratio', ratio: 0.4 } }))).toEqual([8, 8, 8, 1, 1]);
  });
});
