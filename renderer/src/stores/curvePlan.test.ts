import { describe, expect, it } from 'vitest';
import type { GuidanceCurve } from '../../../shared/generation.ts';
import type { JobEvent, JobSnapshot } from '../../../shared/job.ts';
import { queued, request, stepDone } from '../testing/samples.ts';
import { forecastCalls, jobPlanAt, jobScales, knownSigmas, lockedSteps, plannedScales, unguidedFrom } from './curvePlan.ts';
import { applyToJobs, jobsStore, type JobsState } from './jobs.ts';

function after(...events: JobEvent[]): JobsState {
  return events.reduce((state, event) => applyToJobs(state, event, 0), jobsStore.getInitialState());
}
function jobAfter(...events: JobEvent[]): JobSnapshot {
  const job = after(...events).byId['a'];
  if (job === undefined) throw new Error('There is no such job.');
  return job;
}
const plan = { guidanceScale: 4, guidanceEnd: { kind: 'guided-steps', steps: 9 }, guidanceCurve: { kind: 'constant' }, guidanceInterval: null } as const;

describe('the forecast', () => {
  it('counts two calls a guided step', () => {
    const scales = plannedScales(plan, 20);
    expect(forecastCalls(scales, { kind: 'none' }, plan.guidanceEnd)).toEqual({ guided: 9, total: 20, calls: 29, shallow: 0, fewer: 0.275, isMost: false });
    expect(unguidedFrom(scales)).toBe(9);
    expect(unguidedFrom([1, 4, 4])).toBeNull();
    expect(unguidedFrom([1, 1])).toBe(0);
  });

  it('one where the unconditional answer is kept, beginning anew behind a gap', () => {
    const reuse = { kind: 'unconditional', every: 3 } as const;
    expect(forecastCalls([4, 4, 4, 4, 1, 4, 4], reuse, { kind: 'never' }).calls).toBe(2 + 1 + 1 + 2 + 1 + 2 + 1);
  });

  it('tells calls of the outermost layers apart, with whole ones at the first and the last step and where guidance changes', () => {
    const reuse = { kind: 'features', every: 3 } as const;
    expect(forecastCalls([4, 4, 4, 4, 4, 4], reuse, { kind: 'never' })).toMatchObject({ calls: 12, shallow: 2 * 3, fewer: 0 });
    expect(forecastCalls([4, 4, 1, 1, 1, 1], reuse, { kind: 'never' })).toMatchObject({ calls: 8, shallow: 2 + 2 });
    const job = jobAfter(queued('a'), stepDone('a', 0), stepDone('a', 1, { unetEvaluations: 0, reused: 'features' }));
    expect(forecastCalls(jobScales(job, {}, []), { kind: 'none' }, { kind: 'never' }, job.steps)).toMatchObject({ calls: 2 + 2 + 18 * 2, shallow: 2 });
  });

  it('is a most where only the run can tell', () => {
    expect(forecastCalls([4, 4], { kind: 'none' }, { kind: 'evidence', cosine: 0.99 }).isMost).toBe(true);
    expect(forecastCalls([4, 4], { kind: 'steps', threshold: 0.1, most: 2 }, { kind: 'never' }).isMost).toBe(true);
  });

  it('takes what is past as it was', () => {
    const job = jobAfter(queued('a'), stepDone('a', 0), stepDone('a', 1, { unetEvaluations: 0, reused: 'step' }));
    expect(forecastCalls(jobScales(job, {}, []), { kind: 'none' }, { kind: 'never' }, job.steps).calls).toBe(2 + 0 + 18 * 2);
  });
});

describe('what a run is going to get', () => {
  const curve: GuidanceCurve = { kind: 'points', smooth: false, points: [{ at: 0, scale: 4 }, { at: 1, scale: 9 }] };

  it('is locked up to the step in progress', () => {
    expect(lockedSteps(jobAfter(queued('a')))).toBe(0);
    const running = jobAfter(queued('a'), stepDone('a', 0), stepDone('a', 1));
    expect(lockedSteps(running)).toBe(3);
    expect(lockedSteps({ ...running, state: 'paused' })).toBe(2);
  });

  it('follows the request, its log, and what is on its way', () => {
    const job = jobAfter(
      queued('a', { steering: [{ afterStep: 10, steering: { guidanceScale: 6 } }] }),
      stepDone('a', 0),
      { jobId: 'a', kind: 'steered', steering: { guidanceScale: 5 }, afterStep: 0 },
      stepDone('a', 1, { guidanceScale: 5 }),
    );
    const scales = jobScales(job, {}, []);
    expect([0, 1, 2, 10, 11].map((step) => scales[step])).toEqual([4, 5, 5, 5, 6]);
    expect(jobPlanAt(job, { guidanceCurve: curve }, 2).guidanceCurve.kind).toBe('constant');
    expect(jobScales(job, { guidanceCurve: curve }, [])[19]).toBe(9);
    expect(jobScales(job, { guidanceCurve: curve }, [])[2]).toBe(5);
  });

  it('knows that guidance has ended by evidence', () => {
    const job = jobAfter(queued('a', { guidanceEnd: { kind: 'evidence', cosine: 0.99 } }), stepDone('a', 0, { guidanceCosine: 0.995 }));
    expect(jobScales(job, {}, []).slice(1)).toEqual(Array.from({ length: 19 }, () => 1));
  });

  it('learns the noise levels from a run with the same schedule', () => {
    const jobs = after(queued('b', { prompt: 'something else' }), stepDone('b', 0, { sigma: 14 }), stepDone('b', 1, { sigma: 9 }));
    expect(knownSigmas(jobs, request)).toEqual([14, 9]);
    expect(knownSigmas(jobs, { ...request, steps: 21 })).toEqual([]);
    const interval = { ...plan, guidanceEnd: { kind: 'never' }, guidanceInterval: { sigmaLow: 1, sigmaHigh: 10 } } as const;
    expect(plannedScales(interval, 3, [14, 9])).toEqual([1, 4, 4]);
  });
});
