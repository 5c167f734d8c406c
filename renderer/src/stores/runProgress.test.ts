import { describe, expect, it } from 'vitest';
import { emptySnapshot, type JobSnapshot } from '../../../shared/job.ts';
import { request, step } from '../testing/samples.ts';
import { runProgress, savedShare } from './runProgress.ts';

function run(change: Partial<JobSnapshot>): JobSnapshot {
  return { ...emptySnapshot('a', request, 0), numTimesteps: 20, ...change };
}

describe('progress of a run', () => {
  it('knows nothing of time before the first step', () => {
    const progress = runProgress(run({}));
    expect(progress).toMatchObject({ stepsDone: 0, total: 20, guidedPlanned: 20, savedPlanned: 0, msPerStep: null, msLeft: null });
  });

  it('counts what a cutoff saves', () => {
    const progress = runProgress(run({ request: { ...request, guidanceEnd: { kind: 'guided-steps', steps: 9 } } }));
    expect(progress).toMatchObject({ guidedPlanned: 9, savedPlanned: 11 });
    expect(savedShare(11, 20)).toBeCloseTo(0.275);
  });

  it('guides nothing at a scale of 1', () => {
    expect(runProgress(run({ request: { ...request, guidanceScale: 1 } })).guidedPlanned).toBe(0);
  });

  it('keeps what is past when guidance comes back', () => {
    const steps = [step(0), step(1, { guided: false }), step(2, { guided: false })];
    // Two of the first three were not guided; the plan guides the 17 to come.
    expect(runProgress(run({ steps })).guidedPlanned).toBe(18);
  });

  it('expects a step without guidance to take half as long until one was seen', () => {
    const progress = runProgress(run({ request: { ...request, guidanceEnd: { kind: 'guided-steps', steps: 10 } }, steps: [step(0, { ms: 100 })] }));
    expect(progress.msLeft).toBe(9 * 100 + 10 * 50);
  });

  it('is not faster than the pace', () => {
    const progress = runProgress(run({ steps: [step(0, { ms: 30 })], paceMs: 500 }));
    expect(progress.msPerStep).toBe(500);
    expect(progress.msLeft).toBe(19 * 500);
  });
});

describe('steps that will be guided', () => {
  it('are none once an end by evidence has been reached', () => {
    const evident = { ...request, guidanceEnd: { kind: 'evidence', cosine: 0.99 } } as const;
    const steps = [step(0, { guidanceCosine: 0.9 }), step(1, { guidanceCosine: 0.995 })];
    expect(runProgress(run({ request: evident, steps: steps.slice(0, 1) })).guidedPlanned).toBe(20);
    expect(runProgress(run({ request: evident, steps }))).toMatchObject({ guidedPlanned: 2, savedPlanned: 18 });
  });

  it('follow what the request steers later, what was steered, and what is on its way', () => {
    const planned = { ...request, steering: [{ afterStep: 9, steering: { guidanceScale: 1 } }] };
    expect(runProgress(run({ request: planned })).guidedPlanned).toBe(10);
    const steered = run({ state: 'running', steps: [step(0)], log: [{ afterStep: 0, steering: { guidanceEnd: { kind: 'guided-steps', steps: 5 } } }] });
    expect(runProgress(steered).guidedPlanned).toBe(5);
    expect(runProgress(steered, { guidanceEnd: { kind: 'guided-steps', steps: 7 } }).guidedPlanned).toBe(7);
  });
});

describe('evaluations saved', () => {
  it('count what was used again, of one half of a step or of all of it', () => {
    const steps = [step(0), step(1, { unetEvaluations: 1, reused: 'unconditional' }), step(2, { unetEvaluations: 0, reused: 'step' })];
    expect(runProgress(run({ steps }))).toMatchObject({ guidedDone: 3, savedPlanned: 3 });
  });

  it('count no call of the outermost layers alone', () => {
    const steps = [step(0), step(1, { unetEvaluations: 0, reused: 'features' }), step(2, { unetEvaluations: 0, reused: 'features' })];
    expect(runProgress(run({ steps, request: { ...request, reuse: { kind: 'features', every: 3 } } })).savedPlanned).toBe(0);
  });

  it('expect of an unguided half that is kept what it will save', () => {
    const reusing = { ...request, reuse: { kind: 'unconditional', every: 2 } } as const;
    expect(runProgress(run({ request: reusing })).savedPlanned).toBe(10);
    const log = [{ afterStep: 0, steering: { reuse: { kind: 'none' } } }] as const;
    expect(runProgress(run({ request: reusing, steps: [step(0)], log: [...log] })).savedPlanned).toBe(0);
  });

  it('are none where the request asks for no guidance, or the model is asked once in any case', () => {
    expect(runProgress(run({ request: { ...request, guidanceScale: 1 }, guidanceScale: 1 })).savedPlanned).toBe(0);
    expect(runProgress(run({ steps: [step(0, { unetEvaluations: 1 })] })).savedPlanned).toBe(0);
  });
});
