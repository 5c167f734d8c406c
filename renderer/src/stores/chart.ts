import { createStore } from 'zustand/vanilla';
import type { StepRecord } from '../../../shared/job.ts';

/** What the chart under the strip can show of every step. `guided` is a band, the others are lines. */
export const chartSeries = ['change', 'distance', 'ms', 'guided'] as const;
export type ChartSeries = (typeof chartSeries)[number];

export interface ChartState {
  readonly shown: readonly ChartSeries[];
}

export const chartStore = createStore<ChartState>(() => ({ shown: ['change', 'distance', 'guided'] }));

export function toggleSeries(series: ChartSeries): void {
  chartStore.setState(({ shown }) => ({ shown: chartSeries.filter((one) => shown.includes(one) !== (one === series)) }));
}

/** As it was left in an earlier run of the app; what is no list of series changes nothing. */
export function takeSavedChart(saved: unknown): void {
  if (!Array.isArray(saved)) return;
  chartStore.setState({ shown: chartSeries.filter((series) => saved.includes(series)) });
}

export type ChartLine = Exclude<ChartSeries, 'guided'>;
export const chartLines = chartSeries.filter((series): series is ChartLine => series !== 'guided');

/** A step's value of a line; null where it has none. */
export function chartValue(line: ChartLine, step: StepRecord): number | null {
  switch (line) {
    case 'change':
      return step.estimateChange;
    case 'distance':
      return step.guidanceDistance;
    case 'ms':
      return step.ms;
  }
}

/**
 * A line as an SVG path in a box of `width` x `height`: a step stands in the middle of its share of the width, zero is at the
 * bottom and the largest value of the run at the top. A step without a value leaves a gap; one between gaps is a dot.
 */
export function linePath(values: readonly (number | null)[], total: number, width: number, height: number): string {
  const top = values.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
  const slot = width / Math.max(total, values.length, 1);
  const at = (value: number, index: number): string => {
    const y = top === 0 ? height : height - (value / top) * height;
    return `${((index + 0.5) * slot).toFixed(2)} ${y.toFixed(2)}`;
  };
  const parts: string[] = [];
  values.forEach((value, index) => {
    if (value === null) return;
    const before = values[index - 1] ?? null;
    parts.push(before === null ? `M${at(value, index)}h0` : `L${at(value, index)}`);
  });
  return parts.join('');
}

/** The guided steps as [first, one past the last] of each unbroken row. */
export function guidedBands(steps: readonly Pick<StepRecord, 'guided'>[]): readonly (readonly [number, number])[] {
  const bands: [number, number][] = [];
  steps.forEach(({ guided }, index) => {
    if (!guided) return;
    const last = bands.at(-1);
    if (last !== undefined && last[1] === index) last[1] = index + 1;
    else bands.push([index, index + 1]);
  });
  return bands;
}
