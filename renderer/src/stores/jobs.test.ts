import { describe, expect, it } from 'vitest';
import { emptySnapshot, type JobEvent } from '../../../shared/job.ts';
import { picture, preview, queued, request, stepDone } from '../testing/samples.ts';
import { activeJob, applyToJobs, isBusy, jobsStore, listedJobs, noExtras, withoutPicture, type JobsState } from './jobs.ts';

const empty: JobsState = jobsStore.getInitialState();

function after(...events: JobEvent[]): JobsState {
  return events.reduce((state, event) => applyToJobs(state, event, 120), empty);
}

describe('jobs', () => {
  it('keep the order in which they were queued', () => {
    expect(after(queued('b'), queued('a')).order).toEqual(['b', 'a']);
  });

  it('take the pace of the settings when they are queued', () => {
    expect(after(queued('a')).byId['a']?.paceMs).toBe(120);
  });

  it('count each step once, even when a snapshot already held it', () => {
    const state = after(queued('a'), stepDone('a', 0), stepDone('a', 0), preview('a', 0), preview('a', 0));
    expect(state.byId['a']?.steps).toHaveLength(1);
    expect(state.byId['a']?.previews).toHaveLength(1);
  });

  it('come back from their end when they go on, with the steps that are kept', () => {
    const stopped: JobEvent = { jobId: 'a', kind: 'stopped', stepsDone: 2, numTimesteps: 20, hard: true, keepable: true, trace: null };
    const before = after(queued('a'), stepDone('a', 0), stepDone('a', 1), stopped);
    const known = before.byId['a'] ?? emptySnapshot('a', request, 120);
    const job = { ...known, state: 'queued', keepable: false, steps: known.steps.slice(0, 1) } as const;
    const goingOn: JobEvent = { jobId: 'a', kind: 'queued', request: known.request, position: 0, job };
    const next = [goingOn, stepDone('a', 1, { ms: 7 })].reduce((state, event) => applyToJobs(state, event, 120), before);
    expect(next.byId['a']).toMatchObject({ state: 'running', steps: [{ ms: 100 }, { ms: 7 }] });
    expect(next.order).toEqual(['a']);
  });

  it('leave other jobs untouched, so that their panels do not render again', () => {
    const before = after(queued('a'), queued('b'));
    const next = applyToJobs(before, stepDone('a', 0), 120);
    expect(next.byId['b']).toBe(before.byId['b']);
  });

  it('ignore events of a job they do not know', () => {
    expect(after(stepDone('gone', 0))).toBe(empty);
  });

  it('remember the part being loaded and a hard stop', () => {
    const state = after(queued('a'), { jobId: 'a', kind: 'loading', part: 'unet' }, { jobId: 'a', kind: 'stopping', hard: true });
    expect(state.extras['a']).toMatchObject({ loadingPart: 'unet', hardStop: true });
  });

  it('are forgotten when removed', () => {
    const state = after(queued('a'), queued('b'), { jobId: 'a', kind: 'removed' });
    expect(state.order).toEqual(['b']);
    expect(state.byId['a']).toBeUndefined();
  });

  it('name the one the engine works on', () => {
    expect(activeJob(after(queued('a')))).toBeNull();
    expect(isBusy(after(queued('a')))).toBe(true);
    expect(activeJob(after(queued('a'), queued('b'), stepDone('a', 0)))?.jobId).toBe('a');
  });

  it('are listed until they end in a picture', () => {
    const kept: JobEvent = { jobId: 'a', kind: 'kept', pictures: [picture('p')] };
    const stopped: JobEvent = { jobId: 'a', kind: 'stopped', stepsDone: 1, numTimesteps: 20, hard: false, keepable: true, trace: null };
    expect(listedJobs(after(queued('a'), stepDone('a', 0), stopped))).toEqual(['a']);
    expect(listedJobs(after(queued('a'), stepDone('a', 0), stopped, kept))).toEqual([]);
  });

  it('are listed as they run and wait, then as they ended, the latest first', () => {
    const stopped = (jobId: string): JobEvent => ({ jobId, kind: 'stopped', stepsDone: 1, numTimesteps: 20, hard: false, keepable: true, trace: null });
    const state = after(queued('a'), queued('b'), queued('c'), queued('d'), stopped('a'), stopped('b'), stepDone('c', 0));
    expect(listedJobs(state)).toEqual(['c', 'd', 'b', 'a']);
  });

  it('lose a picture that was deleted, but never their last', () => {
    const kept: JobEvent = { jobId: 'a', kind: 'kept', pictures: [picture('p'), picture('q')] };
    const one = withoutPicture(after(queued('a'), kept), 'p');
    expect(one.byId['a']?.pictures.map(({ id }) => id)).toEqual(['q']);
    expect(withoutPicture(one, 'q')).toBe(one);
    expect(withoutPicture(one, 'unknown')).toBe(one);
  });

  it('start from the same snapshot as the core', () => {
    expect(after(queued('a')).byId['a']).toEqual(emptySnapshot('a', request, 120));
  });

  it('show again what a run goes by when what was steered is refused, and no longer say that it is on its way', () => {
    const steered: JobEvent = { jobId: 'a', kind: 'steered', steering: { guidanceScale: 6 }, afterStep: 0 };
    const before = after(queued('a'), stepDone('a', 0), steered);
    const known = before.byId['a'] ?? emptySnapshot('a', request, 120);
    // As the page shows what it has sent.
    const shown: JobsState = {
      ...before,
      byId: { a: { ...known, guidanceScale: 9, guidanceEnd: { kind: 'guided-steps', steps: 5 } } },
      extras: { a: { ...noExtras, wanted: { guidanceScale: 9, guidanceEnd: { kind: 'guided-steps', steps: 5 }, prompt: 'a dog' } } },
    };
    const refused: JobEvent = {
      jobId: 'a',
      kind: 'steer-refused',
      steering: { guidanceScale: 9, guidanceEnd: { kind: 'guided-steps', steps: 5 } },
      failure: { code: 'INVALID_INPUT', message: 'no' },
    };
    const state = applyToJobs(shown, refused, 120);
    expect(state.byId['a']).toMatchObject({ guidanceScale: 6, guidanceEnd: { kind: 'never' }, state: 'running' });
    expect(state.extras['a']?.wanted).toEqual({ prompt: 'a dog' });
  });

  it('keep the last lines that callbacks wrote; a step that is made again writes its own anew', () => {
    const wrote = (stepIndex: number, ...lines: string[]): JobEvent => ({ jobId: 'a', kind: 'callback-log', name: 'mine', stepIndex, lines });
    const told = (state: JobsState): string[] => state.byId['a']?.callbackLog.map(({ stepIndex, text }) => `${String(stepIndex)} ${text}`) ?? [];
    const run = after(queued('a'), wrote(-1, 'read'), wrote(0, 'a'), wrote(1, 'b', 'c'), wrote(2, 'd'));
    expect(told(run)).toEqual(['-1 read', '0 a', '1 b', '1 c', '2 d']);
    expect(told(applyToJobs(applyToJobs(run, wrote(-1, 'read'), 0), wrote(1, 'e'), 0))).toEqual(['0 a', '-1 read', '1 e']);
    const many = Array.from({ length: 150 }, (_, stepIndex) => wrote(stepIndex, 'x'));
    expect(told(after(queued('a'), ...many))).toHaveLength(100);
  });
});
