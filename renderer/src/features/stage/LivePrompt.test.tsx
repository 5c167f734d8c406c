import { act, cleanup, fireEvent, render, screen, within } from '@testing-library/react';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { JobEvent } from '../../../../shared/job.ts';
import { startLanguage } from '../../i18n/i18n.ts';
import { appStore } from '../../stores/app.ts';
import { applyToJobs, jobsStore } from '../../stores/jobs.ts';
import { liveEditsStore } from '../../stores/liveEdits.ts';
import { viewStore } from '../../stores/view.ts';
import { fakeCore } from '../../testing/fakeCore.ts';
import { picture, queued, step, stepDone } from '../../testing/samples.ts';
import { Dock } from './Dock.tsx';

beforeAll(() => startLanguage('en'));

beforeEach(() => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  appStore.setState({ link: 'open' });
  jobsStore.setState(jobsStore.getInitialState(), true);
  liveEditsStore.setState({ byJob: {} });
  viewStore.setState({ ...viewStore.getInitialState(), lastJobId: 'a' }, true);
});

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

function happen(...events: JobEvent[]): void {
  for (const event of events) jobsStore.setState((state) => applyToJobs(state, event, 0));
}

const finished: JobEvent = {
  jobId: 'a',
  kind: 'finished',
  pictures: [picture('p', { jobId: 'a' })],
  trace: {
    status: 'finished',
    numTimesteps: 20,
    stepsDone: 20,
    steps: [],
    unetEvaluationsTotal: 40,
    unetEvaluationsSaved: 0,
    provider: 'cpu',
    seed: '7',
    timingsMs: { load: 0, textEncode: 0, denoise: 0, sessionRun: 0, preview: 0, decode: 0, total: 0 },
  },
};

async function type(text: string): Promise<void> {
  fireEvent.click(screen.getByTestId('live-prompt'));
  fireEvent.change(await screen.findByRole('textbox', { name: 'Prompt' }), { target: { value: text } });
}

describe('the prompt of a run that goes on', () => {
  it('is sent on demand, and shown as sent until the engine has confirmed it', async () => {
    const core = fakeCore({ 'jobs.steer': () => ({}) });
    happen(queued('a'), stepDone('a', 0));
    render(<Dock />);
    await type('a moon');
    expect(within(screen.getByRole('dialog')).getByRole('status').textContent).toBe('Not applied yet');
    expect(core.asked).toEqual([]);
    fireEvent.click(screen.getByRole('button', { name: 'Apply from the next step' }));
    act(() => void vi.advanceTimersByTime(100));
    expect(core.asked).toEqual([{ name: 'jobs.steer', input: { jobId: 'a', steering: { prompt: 'a moon' } } }]);
    expect(within(screen.getByRole('dialog')).getByRole('status').textContent).toBe('Sent: applies from the next step');
    expect(screen.getByTestId('live-prompt').dataset['pending']).toBe('sent');
    act(() => happen({ jobId: 'a', kind: 'steered', steering: { prompt: 'a moon' }, afterStep: 1 }));
    expect(within(screen.getByRole('dialog')).getByRole('status').textContent).toBe('This is what the run draws now');
    expect(screen.getByTestId('live-prompt').dataset['pending']).toBeUndefined();
  });

  it('that the engine never confirms can be sent again', async () => {
    fakeCore({ 'jobs.steer': () => ({}) });
    happen(queued('a'), stepDone('a', 0));
    render(<Dock />);
    await type('a moon');
    fireEvent.click(screen.getByRole('button', { name: 'Apply from the next step' }));
    // Steps of a fast model that pass before it has been sent are none of its own.
    act(() => happen(stepDone('a', 1), stepDone('a', 2), stepDone('a', 3)));
    await act(() => vi.advanceTimersByTimeAsync(100));
    act(() => happen(stepDone('a', 4), stepDone('a', 5)));
    expect(screen.getByTestId('live-prompt').dataset['pending']).toBe('sent');
    act(() => happen(stepDone('a', 6)));
    expect(screen.getByTestId('live-prompt').dataset['pending']).toBe('typed');
  });

  it('that came too late is kept, and can be drawn from where it was made', async () => {
    const core = fakeCore({ 'jobs.fork': () => ({ jobId: 'b' }) });
    happen(queued('a'), stepDone('a', 0), stepDone('a', 1), stepDone('a', 2));
    render(<Dock />);
    await type('a moon');
    act(() => happen(...Array.from({ length: 17 }, (_, index) => ({ jobId: 'a', kind: 'step', step: step(index + 3) }) as const), finished));
    fireEvent.click(screen.getByRole('button', { name: 'Fork from step 3 with this prompt' }));
    expect(core.asked).toEqual([{ name: 'jobs.fork', input: { jobId: 'a', stepIndex: 2, steering: { prompt: 'a moon' } } }]);
    await vi.waitFor(() => expect(screen.queryByText(/came too late/)).toBeNull());
  });
});

describe('pausing in the bar of the run', () => {
  it('is heard at once, and the bar says where and why it waits', () => {
    const core = fakeCore({ 'jobs.pause': () => ({}), 'jobs.resume': () => ({}) });
    happen(queued('a'), stepDone('a', 0));
    render(<Dock />);
    fireEvent.click(screen.getByRole('button', { name: 'Pause after this step (P)' }));
    expect(screen.getByText('Pausing after this step')).toBeDefined();
    act(() => happen({ jobId: 'a', kind: 'paused', stepsDone: 1, reason: 'cutoff' }));
    expect(screen.getByText('Paused after step 1 of 20')).toBeDefined();
    expect(screen.getByText('before the first step without guidance')).toBeDefined();
    fireEvent.click(screen.getByRole('button', { name: 'One step, then wait (.)' }));
    expect(core.asked.at(-1)).toEqual({ name: 'jobs.resume', input: { jobId: 'a', steps: 1 } });
  });
});

describe('stopping', () => {
  it('says what still goes on, and what a second stop does', () => {
    happen(queued('a'), stepDone('a', 0), { jobId: 'a', kind: 'stopping', hard: false });
    render(<Dock />);
    expect(screen.getByText(/^The model call in progress ends first\. Stop again to replace the engine/)).toBeDefined();
    act(() => happen({ jobId: 'a', kind: 'stopping', hard: true }));
    expect(screen.getByText(/^The engine is being replaced\..*can be resumed\.$/)).toBeDefined();
  });

  it('leaves a run that can go on, be finished in few steps, or be discarded', () => {
    const core = fakeCore({ 'jobs.continue': () => ({}), 'jobs.fork': () => ({ jobId: 'b' }) });
    happen(queued('a'), stepDone('a', 0), { jobId: 'a', kind: 'stopped', stepsDone: 1, numTimesteps: 20, hard: false, keepable: true, trace: null });
    render(<Dock />);
    fireEvent.click(screen.getByRole('button', { name: 'Resume' }));
    fireEvent.change(screen.getByRole('spinbutton', { name: 'Steps to finish in' }), { target: { value: '6' } });
    fireEvent.click(screen.getByRole('button', { name: 'Finish in 6 steps' }));
    expect(core.asked).toEqual([
      { name: 'jobs.continue', input: { jobId: 'a' } },
      { name: 'jobs.fork', input: { jobId: 'a', stepIndex: 0, steering: { tail: { steps: 6 } } } },
    ]);
    expect(screen.getByRole('button', { name: 'Discard' })).toBeDefined();
  });

  it('offers the same when the run has failed', () => {
    const failure = { code: 'ENGINE_CRASH', message: 'signal SIGSEGV' } as const;
    happen(queued('a'), stepDone('a', 0), { jobId: 'a', kind: 'failed', failure, stepsDone: 1, keepable: true });
    render(<Dock />);
    expect(screen.getAllByRole('button').map((button) => button.textContent)).toEqual(expect.arrayContaining(['Keep clean estimate', 'Resume', 'Discard']));
  });
});
