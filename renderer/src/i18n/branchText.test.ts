import { describe, expect, it } from 'vitest';
import i18next from 'i18next';
import { emptySnapshot, type JobSnapshot, type Steering } from '../../../shared/job.ts';
import { request } from '../testing/samples.ts';
import { branchName, changeName } from './branchText.ts';
import { createFormat } from './format.ts';
import { startLanguage } from './i18n.ts';

await startLanguage('en');
const text = { t: i18next.t, format: createFormat('en') };

const root: JobSnapshot = emptySnapshot('p', request, 0);
function branch(jobId: string, { paceMs: _, ...steering }: Steering): JobSnapshot {
  const entries = Object.keys(steering).length === 0 ? [] : [{ afterStep: 5, steering }];
  return { ...emptySnapshot(jobId, { ...request, steering: entries }, 0), parent: { jobId: 'p', stepIndex: 5 } };
}

describe('the name of a branch', () => {
  it('is where it left and what was changed', () => {
    const dog = branch('a', { guidanceScale: 5, prompt: 'a dog' });
    expect(branchName(dog, [root, dog], text)).toBe('From step 6: “a dog”, guidance 5');
    expect(branchName(root, [root], text)).toBe('a red house');
    expect(changeName(branch('s', {}), [root], text)).toBe('the same again');
  });

  it('begins with what its siblings have not', () => {
    const one = branch('a', { prompt: 'a dog', tail: { steps: 6, scheduler: 'euler_a' }, noiseSeed: '1' });
    const two = branch('b', { prompt: 'a dog', tail: { steps: 6, scheduler: 'euler_a' }, noiseSeed: '2' });
    expect(changeName(two, [root, one, two], text)).toBe('noise seed 2, “a dog”, finish in 6 steps, Euler a');
  });
});
