import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parseEngineMessage } from '../core/engineMessages.ts';
import { closeAll, only, openTestApp } from './testing/testApp.ts';

afterEach(closeAll);

const warning = { code: 'EMBEDDING_UNUSED', message: 'It is not used.', nextStep: 'Take it out.' };

describe('a warning of the engine', () => {
  it('that comes while the model is loaded is the run’s, once, also when it went on and in the next session', async () => {
    const app = await openTestApp();
    const jobId = only(await app.submit({ prompt: 'warned' }));
    const job = await app.ended(jobId);
    expect(job.state).toBe('finished');
    expect(job.warnings).toEqual([warning]);
    const events = app.jobEvents(jobId);
    const at = events.findIndex(({ kind }) => kind === 'warning');
    expect(events[at]).toEqual({ kind: 'warning', jobId, ...warning });
    expect(events.slice(0, at).some(({ kind }) => kind === 'step')).toBe(false);
    await app.close();
    const next = await openTestApp({ data: app.data });
    expect((await next.job(jobId)).warnings).toEqual([warning]);
  });

  it('is on the disk as it comes, and is no part of the request or the picture', async () => {
    const app = await openTestApp();
    const jobId = only(await app.submit({ prompt: 'warned slow crash at 2' }));
    const job = await app.ended(jobId);
    expect(job).toMatchObject({ state: 'failed', warnings: [warning] });
    expect(JSON.parse(await readFile(join(app.data, 'runs', jobId, 'run.json'), 'utf8'))).toMatchObject({ job: { warnings: [warning] } });
    await app.handlers['jobs.continue']({ jobId });
    const ended = await app.ended(jobId);
    expect(ended).toMatchObject({ state: 'finished', warnings: [warning] });
    expect(JSON.stringify([ended.request, ended.pictures])).not.toContain(warning.message);
  });

  it('is taken only with a code that there is, and texts of a sentence or two', () => {
    const message = { kind: 'warning', jobId: 'a', ...warning };
    expect(parseEngineMessage(message)).toEqual({ message });
    expect(parseEngineMessage({ ...message, nextStep: undefined })).toHaveProperty('message');
    for (const change of [{ code: 'ODD' }, { message: 7 }, { message: 'x'.repeat(601) }, { jobId: undefined }]) {
      expect(parseEngineMessage({ ...message, ...change })).toHaveProperty('problem');
    }
  });
});
