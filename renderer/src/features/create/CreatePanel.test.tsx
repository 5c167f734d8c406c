import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startLanguage } from '../../i18n/i18n.ts';
import { appStore } from '../../stores/app.ts';
import { canRun } from '../../stores/commandActions.ts';
import { formForModel, formStore, initialForm } from '../../stores/form.ts';
import { formChecksStore } from '../../stores/formChecks.ts';
import { applyToJobs, jobsStore } from '../../stores/jobs.ts';
import { generate } from '../../stores/runActions.ts';
import { fakeCore } from '../../testing/fakeCore.ts';
import { model, queued, stepDone } from '../../testing/samples.ts';
import { CreatePanel } from './CreatePanel.tsx';

beforeAll(() => startLanguage('en'));

beforeEach(() => {
  appStore.setState({ models: [model], ready: true, link: 'open' });
  formStore.setState({ ...initialForm, ...formForModel(model) }, true);
  formChecksStore.setState(formChecksStore.getInitialState(), true);
  jobsStore.setState(jobsStore.getInitialState(), true);
});

afterEach(cleanup);

const steps = (): HTMLElement => screen.getByRole('spinbutton', { name: 'Steps' });

describe('the form', () => {
  it('offers examples while the prompt is empty, and takes one', () => {
    render(<CreatePanel />);
    fireEvent.click(screen.getByRole('button', { name: 'a red house' }));
    expect(screen.getByRole<HTMLTextAreaElement>('textbox', { name: 'Prompt' }).value).toBe('a red house');
    expect(screen.queryByRole('button', { name: 'a red house' })).toBeNull();
  });

  it('tells an error at its field once the field was left', () => {
    render(<CreatePanel />);
    fireEvent.change(steps(), { target: { value: '0' } });
    expect(steps().getAttribute('aria-invalid')).toBeNull();
    fireEvent.blur(steps());
    expect(steps().getAttribute('aria-invalid')).toBe('true');
    const described = document.getElementById(steps().getAttribute('aria-describedby') ?? '');
    expect(described?.textContent).toBe('A whole number from 1 to 500');
  });

  it('turns to the first wrong field at every attempt, also by the shortcut', async () => {
    render(<CreatePanel />);
    fireEvent.change(steps(), { target: { value: '0' } });
    for (let attempt = 0; attempt < 2; attempt++) {
      screen.getByRole('textbox', { name: 'Prompt' }).focus();
      await act(async () => void (await generate()));
      expect(document.activeElement).toBe(steps());
    }
  });

  it('says what a cutoff saves', () => {
    render(<CreatePanel />);
    fireEvent.change(screen.getByRole('slider', { name: 'CFG until step' }), { target: { value: '9' } });
    expect(screen.getByText('9 of 20')).toBeDefined();
    expect(screen.getByText('Ratio 0.40 · saves 11 evaluations (28%)')).toBeDefined();
  });

  it('keeps a seed that is typed, and is random again when it is cleared', () => {
    render(<CreatePanel />);
    const seed = screen.getByRole('textbox', { name: 'Seed' });
    fireEvent.change(seed, { target: { value: '18446744073709551615' } });
    expect(formStore.getState()).toMatchObject({ seed: '18446744073709551615', randomSeed: false });
    fireEvent.change(seed, { target: { value: '' } });
    expect(formStore.getState().randomSeed).toBe(true);
  });

  it('stops at a click, once: a double click is no second Stop', () => {
    const core = fakeCore({ 'jobs.stop': () => ({}) });
    jobsStore.setState((state) => [queued('a'), stepDone('a', 0)].reduce((jobs, event) => applyToJobs(jobs, event, 0), state));
    render(<CreatePanel />);
    fireEvent.click(screen.getByTestId('stop'), { detail: 1 });
    fireEvent.click(screen.getByTestId('stop'), { detail: 2 });
    expect(core.asked.map(({ name }) => name)).toEqual(['jobs.stop']);
  });

  it('can do nothing while the connection is lost', () => {
    jobsStore.setState((state) => [queued('a'), stepDone('a', 0)].reduce((jobs, event) => applyToJobs(jobs, event, 0), state));
    appStore.setState({ link: 'lost' });
    render(<CreatePanel />);
    for (const id of ['generate', 'stop']) expect(screen.getByTestId<HTMLButtonElement>(id).disabled).toBe(true);
    for (const command of ['generate', 'stop', 'guidance-off'] as const) expect(canRun(command)).toBe(false);
  });

  it('adds to the queue while something runs', () => {
    fakeCore();
    render(<CreatePanel />);
    expect(screen.getByTestId('generate').textContent).toBe('Generate');
    cleanup();
    jobsStore.setState((state) => applyToJobs(state, queued('a'), 0));
    render(<CreatePanel />);
    expect(screen.getByTestId('generate').textContent).toBe('Add to queue');
  });
});
