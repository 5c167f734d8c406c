import { beforeEach, describe, expect, it } from 'vitest';
import { applyJobEvent, emptySnapshot, type JobSnapshot } from '../../../shared/job.ts';
import { picture, preview, request, stepDone } from '../testing/samples.ts';
import { comparedFrame, comparedPicture, comparedSteps, compareStore, movedStep, openCompare, toggleCompared } from './compare.ts';
import { panned, placed, wholeView, zoomed } from './compareView.ts';
import { difference } from './difference.ts';
import { jobsStore } from './jobs.ts';
import { viewStore } from './view.ts';

function run(jobId: string, count: number, change: Partial<JobSnapshot> = {}): JobSnapshot {
  const events = Array.from({ length: count }, (_, index) => [stepDone(jobId, index), preview(jobId, index)]).flat();
  return { ...events.reduce(applyJobEvent, emptySnapshot(jobId, request, 0)), ...change };
}

beforeEach(() => {
  compareStore.setState(compareStore.getInitialState(), true);
  viewStore.setState(viewStore.getInitialState(), true);
});

describe('choosing what to compare', () => {
  it('takes two to four, and opens for no fewer', () => {
    toggleCompared({ kind: 'run', jobId: 'a' });
    openCompare();
    expect(viewStore.getState().dialog).toBeNull();
    for (const jobId of ['b', 'c', 'd', 'e']) toggleCompared({ kind: 'run', jobId });
    expect(compareStore.getState().chosen).toHaveLength(4);
    openCompare();
    expect(viewStore.getState().dialog).toBe('compare');
    for (const jobId of ['b', 'c', 'd']) toggleCompared({ kind: 'run', jobId });
    expect(viewStore.getState().dialog).toBeNull();
  });

  it('takes the run of a picture where it is known, unless the picture is one of a batch', () => {
    const shown = picture('x', { jobId: 'a' });
    jobsStore.setState({ byId: { a: run('a', 2, { pictures: [shown] }) }, extras: {}, order: ['a'] });
    expect(comparedPicture(shown, jobsStore.getState())).toEqual({ kind: 'run', jobId: 'a' });
    jobsStore.setState({ byId: { a: run('a', 2, { pictures: [shown, picture('y', { jobId: 'a' })] }) }, extras: {}, order: ['a'] });
    expect(comparedPicture(shown, jobsStore.getState()).kind).toBe('picture');
    expect(comparedPicture(picture('z'), jobsStore.getState()).kind).toBe('picture');
  });
});

describe('the same step of each', () => {
  const short = run('s', 3);
  const long = run('l', 8, { pictures: [picture('p', { jobId: 'l' })] });

  it('is its last one where a run is shorter, and the result after all of them', () => {
    const item = { kind: 'run', jobId: 's' } as const;
    expect(comparedSteps([short, long, null])).toBe(8);
    expect(comparedFrame(item, short, 5)).toMatchObject({ step: 3 });
    expect(comparedFrame(item, long, 5)).toMatchObject({ step: 6 });
    expect(comparedFrame(item, long, null)).toEqual({ src: '/pictures/p.png', step: null });
    expect(comparedFrame(item, short, null)).toMatchObject({ step: 3 });
    expect(comparedFrame({ kind: 'picture', picture: picture('q') }, null, 5)).toEqual({ src: '/pictures/q.png', step: null });
  });

  it('goes back from the result and on to it', () => {
    expect([movedStep(null, -1, 8), movedStep(0, -1, 8), movedStep(7, 1, 8), movedStep(null, 1, 8)]).toEqual([7, 0, null, null]);
  });
});

describe('looking closely', () => {
  const box = { width: 200, height: 100 };
  const sides = { width: 50, height: 50 };

  it('fits the picture into its box, and keeps its edges at the edges of the box', () => {
    expect(placed(wholeView, box, sides)).toEqual({ left: 50, top: 0, width: 100, height: 100 });
    const far = panned(zoomed(wholeView, 4), 9, -9);
    expect(placed(far, box, sides)).toEqual({ left: -200, top: 0, width: 400, height: 400 });
  });

  it('keeps the point under the pointer where it is', () => {
    const view = zoomed(wholeView, 4, { x: 0.25, y: 0.75 });
    // In shares of the picture, what lies at that place of a box of its shape.
    expect(view.x + (0.25 - 0.5) / view.zoom).toBeCloseTo(0.25);
    expect(view.y + (0.75 - 0.5) / view.zoom).toBeCloseTo(0.75);
    expect(zoomed(view, 1 / 100)).toEqual(wholeView);
  });
});

describe('the difference of two pictures', () => {
  const a = Uint8ClampedArray.from([10, 20, 30, 255, 0, 0, 0, 255]);
  const b = Uint8ClampedArray.from([12, 20, 20, 255, 0, 0, 0, 0]);

  it('is absolute, channel by channel, amplified, and leaves alpha aside', () => {
    const { pixels, ...facts } = difference(a, b, 16);
    expect([...pixels]).toEqual([32, 0, 160, 255, 0, 0, 0, 255]);
    expect(facts).toEqual({ mean: 2, most: 10, share: 0.5 });
    expect([...difference(b, a, 64).pixels.slice(0, 3)]).toEqual([128, 0, 255]);
  });

  it('is none for the same picture, and refuses other sizes', () => {
    expect(difference(a, a, 64)).toMatchObject({ mean: 0, most: 0, share: 0 });
    expect(() => difference(a, a.slice(4), 1)).toThrow(RangeError);
  });
});
