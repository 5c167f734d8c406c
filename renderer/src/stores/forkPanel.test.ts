import { beforeEach, describe, expect, it } from 'vitest';
import { emptySnapshot, type JobSnapshot } from '../../../shared/job.ts';
import { fakeCore } from '../testing/fakeCore.ts';
import { request, step } from '../testing/samples.ts';
import { branchesStore, discardBranch, keptSteps } from './branches.ts';
import { firstChanges, forkPlan, forkRequest, startForks } from './forkPanel.ts';
import { forkSteering, withChange, type ForkChanges } from './forkDraft.ts';
import { jobsStore } from './jobs.ts';
import { viewStore } from './view.ts';

const log = [
  { afterStep: 4, steering: { guidanceScale: 9, guidanceRescale: 0.5 } },
  { afterStep: 4, steering: { prompt: 'a dog' } },
  { afterStep: 8, steering: { noiseSeed: '3' } },
];
const steps = Array.from({ length: 12 }, (_, index) => step(index));
const parent: JobSnapshot = { ...emptySnapshot('p', request, 0), state: 'stopped', steps, log };
const child: JobSnapshot = { ...emptySnapshot('c', request, 0), state: 'finished', steps, parent: { jobId: 'p', stepIndex: 6 } };

beforeEach(() => {
  branchesStore.setState(branchesStore.getInitialState(), true);
  jobsStore.setState({ byId: { p: parent, c: child }, extras: {}, order: ['p', 'c'] });
  viewStore.setState(viewStore.getInitialState(), true);
});

describe('a branch', () => {
  const plan = forkPlan(parent, { jobId: 'p', stepIndex: 5, entry: null });

  it('goes on from what the run followed at its step', () => {
    expect(plan.base.fields).toMatchObject({ prompt: 'a dog', guidanceScale: '9', noiseSeed: '' });
    expect(forkRequest(plan, { prompt: 'a cat' }, 'p')).toEqual({ kind: 'fork', jobId: 'p', stepIndex: 5, steering: { prompt: 'a cat' } });
  });

  it('unchanged is the same again; of a stopped run at its last step, the run itself', () => {
    expect(forkRequest(plan, {}, 'p')).toEqual({ kind: 'fork', jobId: 'p', stepIndex: 5, steering: {} });
    expect(forkRequest(forkPlan(parent, { jobId: 'p', stepIndex: 11, entry: null }), {}, 'p')).toEqual({ kind: 'continue', jobId: 'p' });
    const finished = forkPlan(child, { jobId: 'c', stepIndex: 11, entry: null });
    expect(forkRequest(finished, {}, 'c').kind).toBe('fork');
  });

  it('from a step that only its parent keeps takes its own later steering along', () => {
    const own = { ...child, log: [{ afterStep: 9, steering: { guidanceScale: 2 } }] };
    expect(forkRequest(forkPlan(own, { jobId: 'c', stepIndex: 5, entry: null }), {}, 'p')).toMatchObject({ jobId: 'p', ahead: own.log });
  });
});

describe('an entry done otherwise', () => {
  const plan = forkPlan(parent, { jobId: 'p', stepIndex: 3, entry: 0 });

  it('is measured against the run without it, and opens with what it did', () => {
    expect(plan.base.fields.guidanceScale).toBe('4');
    expect(firstChanges(plan)).toEqual({ guidanceScale: '9', guidanceRescale: '0.5' });
  });

  it('branches off just before it and keeps what came later', () => {
    const steering = forkSteering(plan.base, withChange(plan.base, firstChanges(plan), { guidanceScale: '6' }));
    expect(forkRequest(plan, steering, 'p')).toEqual({
      kind: 'fork',
      jobId: 'p',
      stepIndex: 3,
      steering: {},
      ahead: [{ afterStep: 4, steering: { guidanceRescale: 0.5, guidanceScale: 6 } }, log[1], log[2]],
    });
  });

  it('may have its curve, its interval, its rescale and what it uses again done otherwise, each by a field of its own', () => {
    const curve = { kind: 'linear', to: 1 } as const;
    const steering = { guidanceCurve: curve, guidanceInterval: { sigmaLow: 0.5, sigmaHigh: 10_000 }, reuse: { kind: 'unconditional', every: 3 } } as const;
    const steered = { ...parent, log: [{ afterStep: 4, steering }] };
    const own = forkPlan(steered, { jobId: 'p', stepIndex: 3, entry: 0 });
    const first = firstChanges(own);
    expect(first).toEqual({ curve, sigmaLow: '0.5', reuse: 'unconditional', reuseEvery: '3' });
    const asked = (changes: ForkChanges): unknown => {
      const request = forkRequest(own, forkSteering(own.base, withChange(own.base, first, changes)), 'p');
      return request.kind === 'fork' ? request.ahead?.[0]?.steering : request;
    };
    expect(asked({})).toEqual(steering);
    expect(asked({ sigmaLow: '', sigmaHigh: '8', reuseEvery: '2' })).toEqual({
      guidanceCurve: curve,
      guidanceInterval: { sigmaLow: 0, sigmaHigh: 8 },
      reuse: { kind: 'unconditional', every: 2 },
    });
    // A scale takes the place of the curve.
    expect(asked({ guidanceScale: '6', reuse: 'none', sigmaLow: '', guidanceRescale: '0.7' })).toEqual({ guidanceScale: 6, guidanceRescale: 0.7 });
  });

  it('is left out when nothing is left of it', () => {
    const second = forkPlan(parent, { jobId: 'p', stepIndex: 3, entry: 1 });
    expect(forkRequest(second, {}, 'p')).toMatchObject({ ahead: [log[0], log[2]] });
  });

  it('is drawn from the beginning where the step before it is not kept', () => {
    expect(forkRequest(plan, { guidanceScale: 6 }, null)).toMatchObject({ kind: 'replay', request: { seed: '7', steering: [{ afterStep: 4 }, log[1], log[2]] } });
  });
});

describe('asking for branches', () => {
  it('asks for the first one last, since each goes to the head of the queue, and shows it', async () => {
    let made = 0;
    const core = fakeCore({ 'jobs.fork': () => ({ jobId: `new${String(++made)}` }) });
    const plan = forkPlan(parent, { jobId: 'p', stepIndex: 5, entry: null });
    expect(await startForks(['1', '2'].map((noiseSeed) => forkRequest(plan, { noiseSeed }, 'p')))).toBe(true);
    expect(core.asked.map(({ input }) => input)).toEqual([
      { jobId: 'p', stepIndex: 5, steering: { noiseSeed: '2' } },
      { jobId: 'p', stepIndex: 5, steering: { noiseSeed: '1' } },
    ]);
    expect(viewStore.getState().target).toEqual({ kind: 'job', jobId: 'new2' });
  });

  it('stops a paused run, which would hold them up', async () => {
    const core = fakeCore({ 'jobs.fork': () => ({ jobId: 'new' }), 'jobs.stop': () => ({}) });
    jobsStore.setState({ byId: { p: { ...parent, state: 'paused' }, c: child }, extras: {}, order: ['p', 'c'] });
    await startForks([forkRequest(forkPlan(parent, { jobId: 'p', stepIndex: 5, entry: null }), { prompt: 'a cat' }, 'p')]);
    expect(core.asked.map(({ name }) => name)).toEqual(['jobs.fork', 'jobs.stop']);
  });

  it('finds a step where the run, or one it branched off from later, keeps it', async () => {
    fakeCore({
      'jobs.frames': ({ jobId }) => ({
        frames: (jobId === 'c' ? [6, 7] : [4, 5, 6, 9]).map((stepIndex) => ({ stepIndex, bytes: 1 })),
        bytesOfAllRuns: 6,
        limitBytes: 10,
      }),
    });
    expect([...(await keptSteps('c'))].sort(([a], [b]) => a - b)).toEqual([
      [4, 'p'],
      [5, 'p'],
      [6, 'c'],
      [7, 'c'],
    ]);
  });
});

describe('taking a run out of the tree', () => {
  it('asks twice where it cannot be undone, and stops a running one first', async () => {
    const core = fakeCore({ 'jobs.remove': () => ({}), 'jobs.stop': () => ({}) });
    await discardBranch({ ...parent, state: 'running' });
    expect(core.asked.map(({ name }) => name)).toEqual(['jobs.stop']);
    await discardBranch(parent);
    expect(core.asked).toHaveLength(1);
    await discardBranch(parent);
    expect(core.asked.at(-1)).toEqual({ name: 'jobs.remove', input: { jobId: 'p' } });
  });
});
