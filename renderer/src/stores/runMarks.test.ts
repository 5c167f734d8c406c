import { describe, expect, it } from 'vitest';
import { emptySnapshot, type JobSnapshot } from '../../../shared/job.ts';
import { request, step } from '../testing/samples.ts';
import { marksByStep } from './runMarks.ts';

function run(change: Partial<JobSnapshot>): JobSnapshot {
  return { ...emptySnapshot('a', request, 0), steps: [step(0), step(1), step(2)], state: 'running', ...change };
}

describe('marks of a run', () => {
  it('stand after the step where something was done', () => {
    const log = [{ afterStep: 1, steering: { guidanceScale: 7 } }];
    expect([...marksByStep(run({ log }), [])]).toEqual([[1, [{ kind: 'steered', steering: { guidanceScale: 7 } }]]]);
  });

  it('tell where a knob ended that was turned during one step', () => {
    const log = [
      { afterStep: 1, steering: { guidanceScale: 5, prompt: 'a moon' } },
      { afterStep: 1, steering: { guidanceScale: 6 } },
      { afterStep: 2, steering: { guidanceScale: 8 } },
    ];
    const marks = marksByStep(run({ log }), []);
    expect(marks.get(1)).toEqual([
      { kind: 'steered', steering: { prompt: 'a moon' } },
      { kind: 'steered', steering: { guidanceScale: 6 } },
    ]);
    expect(marks.get(2)).toHaveLength(1);
  });

  it('tell where it paused and stopped, but not every single step', () => {
    const halts = [
      { stepsDone: 1, kind: 'paused', reason: 'asked' },
      { stepsDone: 2, kind: 'paused', reason: 'single-step' },
      { stepsDone: 3, kind: 'stopped', reason: null },
    ] as const;
    const marks = marksByStep(run({ state: 'stopped' }), halts);
    expect([...marks.keys()]).toEqual([0, 2]);
    expect(marks.get(2)).toEqual([{ kind: 'halted', halt: halts[2] }]);
  });

  it('tell of a halt that this page has not seen come', () => {
    expect(marksByStep(run({ state: 'paused' }), []).get(2)).toEqual([{ kind: 'halted', halt: { stepsDone: 3, kind: 'paused', reason: null } }]);
    expect(marksByStep(run({ state: 'stopped', steps: [] }), []).size).toBe(0);
  });

  it('tell where a fork leaves its parent', () => {
    const parent = { jobId: 'p', stepIndex: 0 };
    expect(marksByStep(run({ parent }), []).get(0)).toEqual([{ kind: 'forked', parent }]);
  });
});
