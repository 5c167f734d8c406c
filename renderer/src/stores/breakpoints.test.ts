import { beforeEach, describe, expect, it } from 'vitest';
import { fakeCore } from '../testing/fakeCore.ts';
import { queued } from '../testing/samples.ts';
import { breakpointsOf, putBreakpoint, removeBreakpoint, toggleBreakpoint } from './breakpoints.ts';
import { applyToJobs, jobsStore } from './jobs.ts';
import { noticesStore } from './notices.ts';

beforeEach(() => {
  jobsStore.setState(applyToJobs(jobsStore.getInitialState(), queued('a'), 0), true);
  noticesStore.setState({ notices: [] });
});

describe('breakpoints', () => {
  it('are set and taken away, and the core is told all of them', () => {
    const core = fakeCore({ 'jobs.breakpoints': () => ({}) });
    toggleBreakpoint('a', { kind: 'step', stepIndex: 8 });
    toggleBreakpoint('a', { kind: 'step', stepIndex: 3 });
    toggleBreakpoint('a', { kind: 'step', stepIndex: 8 });
    expect(core.asked.map(({ input }) => input)).toEqual([
      { jobId: 'a', breakpoints: [{ kind: 'step', stepIndex: 8 }] },
      { jobId: 'a', breakpoints: [{ kind: 'step', stepIndex: 3 }, { kind: 'step', stepIndex: 8 }] },
      { jobId: 'a', breakpoints: [{ kind: 'step', stepIndex: 3 }] },
    ]);
  });

  it('are one of a kind: another threshold takes the place of the first', () => {
    fakeCore({ 'jobs.breakpoints': () => ({}) });
    putBreakpoint('a', { kind: 'settled', threshold: 0.02 });
    putBreakpoint('a', { kind: 'settled', threshold: 0.05 });
    putBreakpoint('a', { kind: 'cutoff' });
    expect(breakpointsOf('a')).toEqual([{ kind: 'cutoff' }, { kind: 'settled', threshold: 0.05 }]);
    removeBreakpoint('a', { kind: 'settled', threshold: 1 });
    expect(breakpointsOf('a')).toEqual([{ kind: 'cutoff' }]);
    expect(breakpointsOf('b')).toEqual([]);
  });

  it('are as before when the core refuses, and that is said', async () => {
    fakeCore();
    putBreakpoint('a', { kind: 'cutoff' });
    expect(breakpointsOf('a')).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve));
    expect(breakpointsOf('a')).toEqual([]);
    expect(noticesStore.getState().notices).toHaveLength(1);
  });

  it('are the job\'s own: another window, or this page after a reload, has them too', () => {
    jobsStore.setState((state) => applyToJobs(state, { kind: 'breakpoints', jobId: 'a', breakpoints: [{ kind: 'cutoff' }] }, 0));
    expect(breakpointsOf('a')).toEqual([{ kind: 'cutoff' }]);
  });
});
