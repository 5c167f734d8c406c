import { describe, expect, it } from 'vitest';
import type { JobEvent } from '../../../shared/job.ts';
import { picture, queued, stepDone } from '../testing/samples.ts';
import { applyToJobs, jobsStore, type JobsState } from './jobs.ts';
import { canvasState, shownJob, viewStore, type ViewState } from './view.ts';

const stopped: JobEvent = { jobId: 'a', kind: 'stopped', stepsDone: 1, numTimesteps: 20, hard: false, keepable: true, trace: null };

function after(...events: JobEvent[]): JobsState {
  return events.reduce((state, event) => applyToJobs(state, event, 0), jobsStore.getInitialState());
}

const view: ViewState = viewStore.getInitialState();

function stateOf(jobs: JobsState, change: Partial<ViewState> = {}): string {
  const shown = { ...view, ...change };
  return canvasState(shown, shownJob(shown, jobs));
}

describe('the canvas', () => {
  it('is empty at first, then follows the run', () => {
    expect(stateOf(after())).toBe('empty');
    expect(stateOf(after(queued('a')))).toBe('queued');
    expect(stateOf(after(queued('a'), { jobId: 'a', kind: 'loading', part: 'unet' }))).toBe('loading');
    expect(stateOf(after(queued('a'), stepDone('a', 0)))).toBe('running');
    expect(stateOf(after(queued('a'), stepDone('a', 0), { jobId: 'a', kind: 'stopping', hard: false }))).toBe('stopping');
  });

  it('stays with the run that ended until the next one starts', () => {
    const ended = after(queued('a'), stepDone('a', 0), stopped);
    expect(stateOf(ended, { lastJobId: 'a' })).toBe('stopped');
    const next = [queued('b'), stepDone('b', 0)].reduce((state, event) => applyToJobs(state, event, 0), ended);
    expect(shownJob({ ...view, lastJobId: 'a' }, next)?.jobId).toBe('b');
  });

  it('says when the clean estimate was kept', () => {
    const kept = after(queued('a'), stepDone('a', 0), stopped, { jobId: 'a', kind: 'kept', picture: picture('p') });
    expect(stateOf(kept, { lastJobId: 'a' })).toBe('kept');
  });

  it('can be turned to a picture of the history while a run goes on', () => {
    const jobs = after(queued('a'), stepDone('a', 0));
    expect(stateOf(jobs, { target: { kind: 'picture', picture: picture('p') } })).toBe('picture');
  });

  it('is empty when the job it shows is cleared', () => {
    expect(stateOf(after(), { target: { kind: 'job', jobId: 'gone' } })).toBe('empty');
  });
});
