import { beforeEach, describe, expect, it } from 'vitest';
import { step } from '../testing/samples.ts';
import { chartStore, chartValue, guidedBands, linePath, takeSavedChart, toggleSeries } from './chart.ts';

beforeEach(() => chartStore.setState(chartStore.getInitialState(), true));

describe('the chart of the steps', () => {
  it('puts each step in the middle of its share, the largest value at the top', () => {
    expect(linePath([4, 2, 0], 4, 100, 10)).toBe('M12.50 0.00h0L37.50 5.00L62.50 10.00');
  });

  it('leaves a gap where a step has no value', () => {
    expect(linePath([null, 1, null, 1], 4, 100, 10)).toBe('M37.50 0.00h0M87.50 0.00h0');
  });

  it('draws nothing of nothing, and a flat line of zeros', () => {
    expect(linePath([], 4, 100, 10)).toBe('');
    expect(linePath([0, 0], 2, 100, 10)).toBe('M25.00 10.00h0L75.00 10.00');
  });

  it('reads the numbers of a step', () => {
    const record = step(1, { estimateChange: 0.25, guidanceDistance: null, ms: 40 });
    expect((['change', 'distance', 'ms'] as const).map((line) => chartValue(line, record))).toEqual([0.25, null, 40]);
  });

  it('bands the guided steps together', () => {
    const steps = [true, true, false, true].map((guided, index) => step(index, { guided }));
    expect(guidedBands(steps)).toEqual([
      [0, 2],
      [3, 4],
    ]);
  });
});

describe('what the chart shows', () => {
  it('is toggled, in the order of the legend', () => {
    toggleSeries('ms');
    expect(chartStore.getState().shown).toEqual(['change', 'distance', 'ms', 'guided']);
    toggleSeries('change');
    expect(chartStore.getState().shown).toEqual(['distance', 'ms', 'guided']);
  });

  it('is taken from what was saved, as far as that can be read', () => {
    takeSavedChart(['ms', 'nonsense']);
    expect(chartStore.getState().shown).toEqual(['ms']);
    takeSavedChart('nonsense');
    expect(chartStore.getState().shown).toEqual(['ms']);
    takeSavedChart([]);
    expect(chartStore.getState().shown).toEqual([]);
  });
});
