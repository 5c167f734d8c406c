import { beforeEach, describe, expect, it } from 'vitest';
import type { JobEvent, JobSnapshot } from '../../../shared/job.ts';
import { fakeCore } from '../testing/fakeCore.ts';
import { queued, stepDone } from '../testing/samples.ts';
import { applyToJobs, jobsStore } from './jobs.ts';
import { canForkAt, canPause, continueRun, finishIn, forkRun, pauseRun, resumeRun, shortFinish, stepRun, togglePause } from './runControl.ts';
import { showJob, viewStore } from './view.ts';

const answers = {
  'jobs.pause': () => ({}),
  'jobs.resume': () => ({}),
  'jobs.continue': () => ({}),
  'jobs.fork': () => ({ jobId: 'fork' }),
} as const;
const paused: JobEvent = { jobId: 'a', kind: 'paused', stepsDone: 2, reason: 'asked' };
const stopped: JobEvent = { jobId: 'a', kind: 'stopped', stepsDone: 2, numTimesteps: 20, hard: false, keepable: true, trace: null };

function happen(...events: JobEvent[]): void {
  for (const event of events) jobsStore.setState((state) => applyToJobs(state, event, 0));
}

const job = (): JobSnapshot | undefined => jobsStore.getState().byId['a'];
const pausing = (): boolean => jobsStore.getState().extras['a']?.pausing === true;

beforeEach(() => {
  jobsStore.setState(jobsStore.getInitialState(), true);
  viewStore.setState(viewStore.getInitialState(), true);
  happen(queued('a'), stepDone('a', 0), stepDone('a', 1));
});

describe('pausing', () => {
  it('shows that it was heard until the run waits', () => {
    const core = fakeCore(answers);
    pauseRun();
    expect(pausing()).toBe(true);
    happen(paused);
    expect(pausing()).toBe(false);
    expect(job()?.state).toBe('paused');
    expect(core.asked).toEqual([{ name: 'jobs.pause', input: { jobId: 'a' } }]);
  });

  it('is one key for there and back, also before the run waits', () => {
    const core = fakeCore(answers);
    togglePause();
    togglePause();
    happen(paused);
    togglePause();
    expect(core.asked.map(({ name }) => name)).toEqual(['jobs.pause', 'jobs.resume', 'jobs.resume']);
  });

  it('goes on for one step at a time, however long the key is held', () => {
    const core = fakeCore(answers);
    happen(paused);
    stepRun();
    stepRun();
    expect(core.asked).toEqual([{ name: 'jobs.resume', input: { jobId: 'a', steps: 1 } }]);
    happen({ jobId: 'a', kind: 'resumed' }, stepDone('a', 2));
    expect(pausing()).toBe(true);
    happen({ jobId: 'a', kind: 'paused', stepsDone: 3, reason: 'single-step' });
    stepRun();
    expect(core.asked).toHaveLength(2);
  });

  it('by one step of a run that goes on is a pause', () => {
    const core = fakeCore(answers);
    stepRun();
    expect(core.asked).toEqual([{ name: 'jobs.pause', input: { jobId: 'a' } }]);
  });

  it('is nothing to a run that ends or has ended', () => {
    const core = fakeCore(answers);
    happen({ jobId: 'a', kind: 'stopping', hard: false });
    expect(canPause(job() ?? null)).toBe(false);
    pauseRun();
    happen(stopped);
    resumeRun();
    stepRun();
    expect(core.asked).toEqual([]);
  });
});

describe('going on', () => {
  it('continues a stopped run as itself, in the canvas', async () => {
    const core = fakeCore(answers);
    happen(stopped);
    showJob('a');
    await continueRun('a');
    expect(core.asked).toEqual([{ name: 'jobs.continue', input: { jobId: 'a' } }]);
    expect(viewStore.getState().target).toEqual({ kind: 'follow' });
  });

  it('finishes in few steps as a run beside it, from the last step', async () => {
    const core = fakeCore(answers);
    happen(stopped);
    const now = job();
    if (now === undefined) throw new Error('no job');
    await finishIn(now, 4);
    expect(core.asked).toEqual([{ name: 'jobs.fork', input: { jobId: 'a', stepIndex: 1, steering: { tail: { steps: 4 } } } }]);
  });

  it('says when a step cannot be forked', async () => {
    fakeCore();
    expect(await forkRun('a', 0, {})).toBe(false);
  });

  it('is possible from steps that are done and are not the last', () => {
    const now = job();
    if (now === undefined) throw new Error('no job');
    expect([0, 1, 2, -1].map((step) => canForkAt(now, step))).toEqual([true, true, false, false]);
    expect(canForkAt({ ...now, steps: now.steps.map((step) => ({ ...step, numTimesteps: 2 })) }, 1)).toBe(false);
  });

  it('offers about half of what is left, eight at most', () => {
    expect([1, 3, 10, 40].map(shortFinish)).toEqual([1, 2, 5, 8]);
  });
});
