import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fakeCore } from '../testing/fakeCore.ts';
import { model, queued, stepDone } from '../testing/samples.ts';
import { StopbathError } from '../../../shared/errors.ts';
import type { Steering } from '../../../shared/job.ts';
import { appStore } from './app.ts';
import { formForModel, formStore, initialForm, setForm } from './form.ts';
import { formChecksStore } from './formChecks.ts';
import { applyToJobs, jobsStore } from './jobs.ts';
import { noticesStore } from './notices.ts';
import { generate, guidanceOff, removeJob, steerRun, stopRun } from './runActions.ts';
import { stageSideStore, turnStage } from './stageSide.ts';

beforeEach(() => {
  vi.useFakeTimers();
  appStore.setState({ models: [model] });
  formStore.setState({ ...initialForm, ...formForModel(model), prompt: 'a red house' }, true);
  formChecksStore.setState(formChecksStore.getInitialState(), true);
  jobsStore.setState(jobsStore.getInitialState(), true);
});

afterEach(() => {
  vi.useRealTimers();
});

function running(): void {
  for (const event of [queued('a'), stepDone('a', 0), stepDone('a', 1)]) {
    jobsStore.setState((state) => applyToJobs(state, event, 0));
  }
}

describe('Generate', () => {
  it('sends the form with the seed as text', async () => {
    const core = fakeCore({ 'jobs.submit': () => ({ jobIds: ['a'] }) });
    setForm({ seed: '18446744073709551615', randomSeed: false, count: '3' });
    expect(await generate()).toBe(true);
    expect(core.asked).toMatchObject([{ name: 'jobs.submit', input: { request: { seed: '18446744073709551615' }, count: 3 } }]);
  });

  it('reads numbers with a comma as its checks do', async () => {
    const core = fakeCore({ 'jobs.submit': () => ({ jobIds: ['a'] }) });
    setForm({ steps: '20,', width: '128,0', guidanceScale: '1,5', count: '2,0' });
    expect(await generate()).toBe(true);
    expect(core.asked).toMatchObject([{ input: { request: { steps: 20, width: 128, guidanceScale: 1.5 }, count: 2 } }]);
  });

  it('sends nothing while a field is wrong, and shows it', async () => {
    const core = fakeCore();
    setForm({ steps: '0' });
    expect(await generate()).toBe(false);
    expect(core.asked).toEqual([]);
    expect(formChecksStore.getState().all).toBe(true);
  });

  it('takes a refusal of the core to its field', async () => {
    fakeCore({
      'jobs.submit': () => {
        throw new StopbathError({ code: 'INVALID_INPUT', message: 'width: too wide', field: 'width' });
      },
    });
    turnStage('start');
    expect(await generate()).toBe(false);
    expect(stageSideStore.getState().side).toBe('start');
    expect(formChecksStore.getState().refused.width).toEqual({ key: 'text', message: 'Too wide' });
  });
});

describe('steering', () => {
  it('shows at once and sends the last value of a drag', () => {
    const core = fakeCore({ 'jobs.steer': () => ({}) });
    running();
    for (const steps of [15, 12, 9]) steerRun('a', { guidanceEnd: { kind: 'guided-steps', steps } });
    steerRun('a', { guidanceScale: 3 });
    expect(jobsStore.getState().byId['a']).toMatchObject({ guidanceScale: 3, guidanceEnd: { kind: 'guided-steps', steps: 9 } });
    expect(core.asked).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(core.asked).toEqual([
      { name: 'jobs.steer', input: { jobId: 'a', steering: { guidanceEnd: { kind: 'guided-steps', steps: 9 }, guidanceScale: 3 } } },
    ]);
  });

  it('is not taken back by the confirmation of an older change', () => {
    fakeCore({ 'jobs.steer': () => ({}) });
    running();
    const confirm = (steering: Steering): void =>
      jobsStore.setState((state) => applyToJobs(state, { jobId: 'a', kind: 'steered', steering, afterStep: 2 }, 0));
    steerRun('a', { guidanceScale: 9 });
    steerRun('a', { guidanceScale: 8 });
    vi.advanceTimersByTime(100);
    confirm({ guidanceScale: 9, paceMs: 500 });
    expect(jobsStore.getState().byId['a']).toMatchObject({ guidanceScale: 8, paceMs: 500 });
    confirm({ guidanceScale: 8 });
    // From here on it is another window that steers.
    confirm({ guidanceScale: 3 });
    expect(jobsStore.getState().byId['a']).toMatchObject({ guidanceScale: 3 });
  });

  it('turns guidance off after the steps that are done', () => {
    const core = fakeCore({ 'jobs.steer': () => ({}) });
    running();
    guidanceOff();
    vi.advanceTimersByTime(100);
    expect(core.asked).toMatchObject([{ input: { steering: { guidanceEnd: { kind: 'guided-steps', steps: 2 } } } }]);
  });

  it('is over when the run is', () => {
    const core = fakeCore({ 'jobs.steer': () => ({}) });
    guidanceOff();
    vi.advanceTimersByTime(100);
    expect(core.asked).toEqual([]);
  });
});

describe('taking a job out of the queue', () => {
  it('is no error when it has begun to run meanwhile', async () => {
    vi.useRealTimers();
    noticesStore.setState({ notices: [] });
    fakeCore();
    running();
    removeJob('a');
    removeJob('b');
    await new Promise((resolve) => setTimeout(resolve));
    expect(noticesStore.getState().notices).toHaveLength(1);
  });
});

describe('Stop', () => {
  it('turns the stage to what can be kept', () => {
    fakeCore({ 'jobs.stop': () => ({}) });
    running();
    turnStage('start');
    stopRun();
    expect(stageSideStore.getState().side).toBe('result');
  });
});
