import { describe, expect, it } from 'vitest';
import { emptySnapshot, type JobSnapshot } from '../../../shared/job.ts';
import { wholeLog } from '../../../shared/steeringLog.ts';
import { request, step } from '../testing/samples.ts';
import { settingsAt } from './steeringLog.ts';

const planned = [{ afterStep: 6, steering: { tail: { steps: 3 } } }];
const job: JobSnapshot = {
  ...emptySnapshot('a', { ...request, steering: planned }, 0),
  log: [{ afterStep: 2, steering: { prompt: 'a dog', guidanceScale: 9 } }],
  steps: [0, 1, 2, 3].map((index) => step(index)),
};

describe('a run and what was done to it', () => {
  it('counts what was planned and then told once, in the order of the steps', () => {
    expect(wholeLog(job).map(({ afterStep }) => afterStep)).toEqual([2, 6]);
    const told = { ...job, log: [...job.log, { afterStep: 6, steering: { tail: { steps: 3 } } }] };
    expect(wholeLog(told)).toEqual(wholeLog(job));
    const twice = { ...told, log: [...told.log, { afterStep: 6, steering: { tail: { steps: 3 } } }] };
    expect(wholeLog(twice)).toHaveLength(3);
  });

  it('is followed from the end of the step it was done at', () => {
    expect(settingsAt(job, 1)).toMatchObject({ prompt: 'a red house', guidanceScale: 4, numTimesteps: 20 });
    expect(settingsAt(job, 2)).toMatchObject({ prompt: 'a dog', guidanceScale: 9, numTimesteps: 20 });
    expect(settingsAt(job, 6)).toMatchObject({ numTimesteps: 10 });
  });
});
