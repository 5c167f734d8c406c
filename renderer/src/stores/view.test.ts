import { describe, expect, it } from 'vitest';
import type { JobEvent } from '../../../shared/job.ts';
import { picture, queued, stepDone } from '../testing/samples.ts';
import { applyToJobs, jobsStore, type JobsState } from './jobs.ts';
import { canvasState, shownBatch, shownJob, shownPicture, showOfBatch, showPicture, viewStore, type ViewState } from './view.ts';

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
    const kept = after(queued('a'), stepDone('a', 0), stopped, { jobId: 'a', kind: 'kept', pictures: [picture('p')] });
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

describe('a batch in the canvas', () => {
  const pictures = ['p', 'q', 'r'].map((id, batchIndex) => picture(id, { jobId: 'a', batchIndex }));
  const ended = after(queued('a'), stepDone('a', 0), stopped, { jobId: 'a', kind: 'kept', pictures });
  const job = ended.byId['a'] ?? null;

  it('shows its first picture, then the one that is chosen', () => {
    if (job === null) throw new Error('no job');
    viewStore.setState({ ...view, lastJobId: 'a' }, true);
    expect(shownPicture(viewStore.getState(), job)?.id).toBe('p');
    expect(shownBatch(viewStore.getState(), job)).toBe(pictures);
    showOfBatch(pictures[2] ?? picture('r'), job);
    expect(viewStore.getState()).toMatchObject({ target: { kind: 'follow' }, shownBatchIndex: 2 });
    expect(shownPicture(viewStore.getState(), job)?.id).toBe('r');
  });

  it('stays with the history when it is turned to a picture of it', () => {
    if (job === null) throw new Error('no job');
    showPicture(pictures[1] ?? picture('q'));
    showOfBatch(pictures[0] ?? picture('p'), job);
    expect(viewStore.getState().target).toMatchObject({ kind: 'picture', picture: { id: 'p' } });
    expect(shownBatch(viewStore.getState(), job)).toBe(pictures);
    showPicture(picture('deleted', { jobId: 'a' }));
    expect(shownBatch(viewStore.getState(), job)).toEqual([]);
  });

  it('is no choice with one picture', () => {
    const single = after(queued('a'), stepDone('a', 0), stopped, { jobId: 'a', kind: 'kept', pictures: pictures.slice(0, 1) });
    expect(shownBatch({ ...view, lastJobId: 'a' }, single.byId['a'] ?? null)).toEqual([]);
  });
});
