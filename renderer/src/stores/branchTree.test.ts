import { describe, expect, it } from 'vitest';
import { emptySnapshot, type JobSnapshot } from '../../../shared/job.ts';
import { request, step } from '../testing/samples.ts';
import { branchChange, familyRows, forest } from './branchTree.ts';

function run(jobId: string, parent: JobSnapshot['parent'], change: Partial<JobSnapshot> = {}): JobSnapshot {
  return { ...emptySnapshot(jobId, request, 0), parent, steps: [step(0)], ...change };
}

const a = run('a', null);
const late = run('late', { jobId: 'a', stepIndex: 9 });
const early = run('early', { jobId: 'a', stepIndex: 2 });
const deep = run('deep', { jobId: 'early', stepIndex: 4 });
const other = run('other', null);

describe('the forest', () => {
  it('hangs branches below the run they left, by the step they left it at', () => {
    expect(familyRows([a, late, early, deep, other], 'deep').map(({ jobId, depth }) => [jobId, depth])).toEqual([
      ['a', 0],
      ['early', 1],
      ['deep', 2],
      ['late', 1],
    ]);
    expect(forest([a, late, early, deep, other]).map(({ jobId }) => jobId)).toEqual(['a', 'other']);
  });

  it('keeps a family together whose first run was cleared away', () => {
    const rows = familyRows([late, early, deep], 'late');
    expect(rows.map(({ jobId, job, depth }) => [jobId, job === null, depth])).toEqual([
      ['a', true, 0],
      ['early', false, 1],
      ['deep', false, 2],
      ['late', false, 1],
    ]);
  });

  it('has no family for a run that is not there, and does not go round in circles', () => {
    expect(familyRows([a], 'nobody')).toEqual([]);
    const x = run('x', { jobId: 'y', stepIndex: 0 });
    const y = run('y', { jobId: 'x', stepIndex: 0 });
    expect(familyRows([x, y], 'x')).toEqual([]);
  });
});

describe('what sets a branch apart', () => {
  const steering = [{ afterStep: 1, steering: { guidanceScale: 9 } }];
  const parent = run('p', null, { log: steering });

  it('is what was done to it alone, its own live steering too', () => {
    const child = run('c', { jobId: 'p', stepIndex: 5 }, {
      request: { ...request, steering: [...steering, { afterStep: 5, steering: { prompt: 'a dog' } }] },
      log: [...steering, { afterStep: 5, steering: { prompt: 'a dog' } }, { afterStep: 8, steering: { guidanceScale: 2 } }],
    });
    expect(branchChange(child, parent)).toEqual({ steering: { prompt: 'a dog', guidanceScale: 2 }, without: false });
  });

  it('may be nothing, or that less was done', () => {
    const same = run('s', { jobId: 'p', stepIndex: 5 }, { request: { ...request, steering } });
    expect(branchChange(same, parent)).toEqual({ steering: {}, without: false });
    const less = run('l', { jobId: 'p', stepIndex: 0 });
    expect(branchChange(less, parent)).toEqual({ steering: {}, without: true });
  });
});
