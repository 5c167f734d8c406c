import { describe, expect, it } from 'vitest';
import type { SteeringEntry } from '../../shared/generation.ts';
import { checkpointAfter, runRequest } from './runs/testing/checkpoints.ts';
import { checkRoom, forkRun, requestToGoOn } from './steeringLog.ts';

const at = (afterStep: number, guidanceScale: number): SteeringEntry => ({ afterStep, steering: { guidanceScale } });
const withSteering = (...steering: SteeringEntry[]): typeof runRequest => ({ ...runRequest, steering });

describe('a fork', () => {
  const checkpoint = checkpointAfter(5, { request: withSteering(at(1, 2), at(9, 9)), log: [at(4, 3)] });
  const parent = { request: checkpoint.request, log: [at(1, 2), at(4, 3), at(6, 4)] };

  it('keeps what was done by its step and changes what comes next', () => {
    const { request, from } = forkRun(parent, checkpoint, { prompt: 'a dog', paceMs: 5 });
    expect(request.steering).toEqual([at(1, 2), at(4, 3), { afterStep: 4, steering: { prompt: 'a dog' } }]);
    expect(from).toMatchObject({ request: { steering: [at(1, 2), at(4, 3)] }, log: [], stepsDone: 5 });
    expect({ ...request, steering: [] }).toEqual({ ...runRequest, steering: [] });
  });

  it('plans what is to be done ahead in place of what the parent has there', () => {
    const { request } = forkRun(parent, checkpoint, { guidanceScale: 7 }, [at(8, 1), at(5, 2)]);
    expect(request.steering).toEqual([at(1, 2), at(4, 3), at(4, 7), at(5, 2), at(8, 1)]);
    expect(forkRun(parent, checkpoint, {}, []).request.steering).toEqual([at(1, 2), at(4, 3)]);
    expect(forkRun(parent, checkpoint, {}, [at(3, 1), at(6, 1)]).request.steering).toEqual([at(1, 2), at(4, 3), at(6, 1)]);
  });

  it('is the same run again when only the pace is another', () => {
    expect(forkRun(parent, checkpoint, { paceMs: 5 }).request.steering).toEqual([at(1, 2), at(4, 3), at(6, 4), at(9, 9)]);
  });
});

describe('going on', () => {
  it('says all that was done before what is still to be done, also a second time', () => {
    const job = { request: withSteering(at(1, 2), at(9, 9)), log: [at(1, 2), at(4, 3), at(6, 4)] };
    // The app died before the checkpoint that knew of the entry after step 6 was written.
    const first = checkpointAfter(6, { request: job.request, log: [at(4, 3)] });
    const request = requestToGoOn(job, first);
    expect(request.steering).toEqual([at(1, 2), at(4, 3), at(6, 4), at(9, 9)]);
    const second = checkpointAfter(8, { request, log: [at(7, 1)] });
    const later = requestToGoOn({ ...job, log: [...job.log, at(7, 1)] }, second);
    expect(later.steering).toEqual([at(1, 2), at(4, 3), at(6, 4), at(7, 1), at(9, 9)]);
  });

  it('gives a fork its change, which counts after the very step it begins from', () => {
    const fork = forkRun({ request: runRequest, log: [] }, checkpointAfter(5, { log: [] }), { guidanceScale: 8 });
    expect(requestToGoOn({ request: fork.request, log: [] }, fork.from).steering).toEqual([at(4, 8)]);
  });
});

it('refuses a change that the picture could not carry, and never one of the pace', () => {
  const full = { request: runRequest, log: Array.from({ length: 1000 }, (_, step) => at(step, 1)) };
  expect(() => checkRoom(full, { guidanceScale: 2 })).toThrow('1000 times');
  expect(() => checkRoom(full, { paceMs: 2 })).not.toThrow();
});
