import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobEvent } from '../../../../shared/job.ts';
import { appStore } from '../../stores/app.ts';
import { formStore, initialForm, setForm } from '../../stores/form.ts';
import { applyToJobs, jobsStore } from '../../stores/jobs.ts';
import { turnStage } from '../../stores/stageSide.ts';
import { viewStore } from '../../stores/view.ts';
import { fakeCore, type FakeCore } from '../../testing/fakeCore.ts';
import { queued, stepDone } from '../../testing/samples.ts';
import { useCommandKeys } from './useCommandKeys.ts';

function Page({ layer }: { readonly layer?: string }) {
  useCommandKeys();
  return (
    <>
      <section id="canvas" tabIndex={-1} data-testid="canvas" />
      <textarea aria-label="Prompt" />
      <input type="range" aria-label="Cutoff" />
      <button type="button">Any</button>
      <div role="listbox" tabIndex={0} />
      {layer === undefined ? null : <div role={layer} />}
    </>
  );
}

function happen(...events: JobEvent[]): void {
  for (const event of events) jobsStore.setState((state) => applyToJobs(state, event, 0));
}

let core: FakeCore;

beforeEach(() => {
  core = fakeCore({ 'jobs.pause': () => ({}), 'jobs.resume': () => ({}) });
  appStore.setState({ link: 'open', ready: true });
  formStore.setState(initialForm, true);
  jobsStore.setState(jobsStore.getInitialState(), true);
  viewStore.setState(viewStore.getInitialState(), true);
  happen(queued('a'), stepDone('a', 0));
});

afterEach(cleanup);

const asked = (): string[] => core.asked.map(({ name }) => name);

describe('keys of one letter', () => {
  it('pause and step a run from anywhere but a text', () => {
    render(<Page />);
    fireEvent.keyDown(screen.getByRole('textbox'), { key: 'p' });
    expect(asked()).toEqual([]);
    fireEvent.keyDown(screen.getByRole('slider'), { key: 'p' });
    happen({ jobId: 'a', kind: 'paused', stepsDone: 1, reason: 'asked' });
    fireEvent.keyDown(document.body, { key: '.' });
    expect(asked()).toEqual(['jobs.pause', 'jobs.resume']);
  });

  it('mean nothing while something is open on top', () => {
    render(<Page layer="menu" />);
    fireEvent.keyDown(document.body, { key: 'p' });
    expect(asked()).toEqual([]);
  });

  it('leave a panel its own keys', () => {
    fakeCore();
    render(
      <>
        <Page />
        <div role="dialog">
          <textarea aria-label="Live prompt" />
        </div>
      </>,
    );
    const text = screen.getByRole('textbox', { name: 'Live prompt' });
    expect(fireEvent.keyDown(text, { key: 'Enter', ctrlKey: true })).toBe(true);
    expect(fireEvent.keyDown(screen.getByRole('textbox', { name: 'Prompt' }), { key: 'Enter', ctrlKey: true })).toBe(false);
  });

  it('mean nothing without a run', () => {
    render(<Page />);
    happen({ jobId: 'a', kind: 'stopped', stepsDone: 1, numTimesteps: 20, hard: false, keepable: true, trace: null });
    fireEvent.keyDown(document.body, { key: 'p' });
    expect(asked()).toEqual([]);
  });
});

describe('Space', () => {
  it('pauses on nothing, on the canvas and on the strip', () => {
    render(<Page />);
    for (const target of [document.body, screen.getByTestId('canvas'), screen.getByRole('listbox')]) fireEvent.keyDown(target, { key: ' ' });
    expect(asked()).toEqual(['jobs.pause', 'jobs.resume', 'jobs.pause']);
  });

  it('keeps its meaning for buttons and texts, and while a mask is painted', () => {
    render(<Page />);
    fireEvent.keyDown(screen.getByRole('button'), { key: ' ' });
    fireEvent.keyDown(screen.getByRole('textbox'), { key: ' ' });
    setForm({ task: 'inpaint' });
    turnStage('start');
    fireEvent.keyDown(document.body, { key: ' ' });
    expect(asked()).toEqual([]);
  });
});
