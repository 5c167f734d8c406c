import { afterEach, describe, expect, it } from 'vitest';
import { closeAll, only, openTestApp } from './testing/testApp.ts';

afterEach(closeAll);

describe('a fork with steering of its own for later steps', () => {
  it('takes it in place of what its parent has there, in order, and keeps what had been done by then', async () => {
    const app = await openTestApp();
    const steering = [
      { afterStep: 0, steering: { guidanceScale: 9 } },
      { afterStep: 3, steering: { prompt: 'a dog' } },
      { afterStep: 5, steering: { guidanceScale: 2 } },
    ];
    const parent = await app.ended(only(await app.submit({ prompt: 'exact', steps: 8, steering })));
    const ahead = [
      { afterStep: 5, steering: { guidanceScale: 2 } },
      { afterStep: 3, steering: { prompt: 'a cat' } },
    ];
    const { jobId } = await app.handlers['jobs.fork']({ jobId: parent.jobId, stepIndex: 2, steering: {}, ahead });
    const fork = await app.ended(jobId);
    expect(fork.state).toBe('finished');
    expect(fork.parent).toEqual({ jobId: parent.jobId, stepIndex: 2 });
    expect(only(fork.pictures).request.steering).toEqual([steering[0], ahead[1], ahead[0]]);
  });

  it('may come after a change of its own', async () => {
    const app = await openTestApp();
    const parent = await app.ended(only(await app.submit({ prompt: 'exact', steps: 6 })));
    const ahead = [{ afterStep: 4, steering: { guidanceScale: 2 } }];
    const { jobId } = await app.handlers['jobs.fork']({ jobId: parent.jobId, stepIndex: 1, steering: { guidanceScale: 7 }, ahead });
    const fork = await app.ended(jobId);
    expect(only(fork.pictures).request.steering).toEqual([{ afterStep: 1, steering: { guidanceScale: 7 } }, ...ahead]);
  });
});
