import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startLanguage } from '../../i18n/i18n.ts';
import { appStore } from '../../stores/app.ts';
import { curveViewStore } from '../../stores/curveView.ts';
import { formForModel, formStore, initialForm, setForm } from '../../stores/form.ts';
import { applyToJobs, jobsStore } from '../../stores/jobs.ts';
import { viewStore } from '../../stores/view.ts';
import { fakeCore } from '../../testing/fakeCore.ts';
import { model, queued, stepDone } from '../../testing/samples.ts';
import { CurveField } from './CurveField.tsx';
import { RunCurve } from './RunCurve.tsx';

beforeAll(() => startLanguage('en'));
beforeEach(() => {
  appStore.setState({ models: [model], ready: true, link: 'open' });
  formStore.setState({ ...initialForm, ...formForModel(model), guidanceScale: '7' }, true);
  jobsStore.setState(jobsStore.getInitialState(), true);
  viewStore.setState({ ...viewStore.getInitialState(), lastJobId: 'a' }, true);
  curveViewStore.setState({ open: true });
});
afterEach(cleanup);

const points = (): HTMLElement[] => screen.getAllByRole('slider');
const key = (name: string, shiftKey = false): boolean => fireEvent.keyDown(document.activeElement ?? document.body, { key: name, shiftKey });

describe('the curve of the form', () => {
  it('is drawn, bent and taken apart by keys alone', () => {
    render(<CurveField />);
    expect(points().map((point) => point.getAttribute('aria-valuetext'))).toEqual(['Step 1 of 20, scale 7', 'Step 20 of 20, scale 7']);
    act(() => points()[1]?.focus());
    key('ArrowDown');
    key('ArrowDown', true);
    expect(formStore.getState()).toMatchObject({ guidanceCurve: 'linear', guidanceTo: '4.5' });
    key('Insert');
    expect(formStore.getState().guidanceCurve).toBe('points');
    expect(document.activeElement?.getAttribute('aria-label')).toBe('Point 2 of 3');
    key('ArrowLeft', true);
    key('ArrowUp');
    const [, middle] = formStore.getState().guidancePoints;
    expect(middle).toMatchObject({ at: 5 / 19 });
    key('Delete');
    expect(formStore.getState().guidancePoints).toHaveLength(2);
    expect(document.activeElement?.getAttribute('aria-label')).toBe('Point 1 of 2');
  });

  it('tells in a sentence what it costs, and where the negative prompt ends', () => {
    render(<CurveField />);
    fireEvent.click(screen.getByRole('button', { name: 'Cutoff' }));
    expect(formStore.getState().cutoff).toBe(9);
    expect(screen.getByTestId('forecast').textContent).toBe('Guided 9 of 20 steps, 29 model calls, 28% fewer');
    expect(screen.getByTestId('negative-ends').textContent).toBe('From step 10 on the negative prompt no longer acts');
    expect(screen.getByRole('button', { name: 'Cutoff', pressed: true })).toBeDefined();
  });

  it('takes typed numbers', () => {
    render(<CurveField />);
    fireEvent.click(screen.getByRole('button', { name: 'Rising' }));
    expect(screen.getByRole('button', { name: 'Rising', pressed: true })).toBeDefined();
    act(() => points()[1]?.focus());
    fireEvent.change(screen.getByRole('spinbutton', { name: 'Scale' }), { target: { value: '9.5' } });
    fireEvent.change(screen.getByRole('spinbutton', { name: 'Step' }), { target: { value: '6' } });
    expect(formStore.getState().guidancePoints[1]).toEqual({ at: 5 / 19, scale: 9.5 });
    fireEvent.change(screen.getByRole('spinbutton', { name: 'Scale' }), { target: { value: '99' } });
    expect(screen.getByRole('spinbutton', { name: 'Scale' }).getAttribute('aria-invalid')).toBe('true');
    expect(formStore.getState().guidancePoints[1]?.scale).toBe(9.5);
  });

  it('adds a point where somebody clicks twice', () => {
    const { container } = render(<CurveField />);
    const plot = container.querySelector('[data-testid="curve-plot"]');
    if (plot === null) throw new Error('There is no plot.');
    plot.getBoundingClientRect = () => new DOMRect(0, 0, 200, 100);
    fireEvent.doubleClick(plot, { clientX: 105, clientY: 50 });
    expect(formStore.getState().guidancePoints.map(({ at, scale }) => [at, scale])).toEqual([[0, 7], [10 / 19, 5], [1, 7]]);
  });

  it('waits for numbers that can be read', () => {
    setForm({ guidanceScale: 'much' });
    render(<CurveField />);
    expect(screen.queryByRole('slider')).toBeNull();
  });
});

describe('the curve of a run', () => {
  const happen = (...events: Parameters<typeof applyToJobs>[1][]): void => {
    for (const event of events) jobsStore.setState((state) => applyToJobs(state, event, 0));
  };

  it('is bent ahead only, shown at once as on its way, and sent', async () => {
    const core = fakeCore({ 'jobs.steer': () => ({}) });
    happen(queued('a'), stepDone('a', 0), stepDone('a', 1));
    render(<RunCurve />);
    expect(points()).toHaveLength(1);
    act(() => points()[0]?.focus());
    key('ArrowUp');
    expect(screen.getByText('Takes effect with step 4')).toBeDefined();
    const steered = await new Promise<unknown>((resolve) => setTimeout(() => resolve(core.asked.at(-1)?.input), 200));
    expect(steered).toMatchObject({ jobId: 'a', steering: { guidanceCurve: { kind: 'points', points: [{ at: 2 / 19, scale: 4 }, { at: 1, scale: 4.5 }] } } });
  });

  it('can no longer change once it is over', () => {
    happen(queued('a'), stepDone('a', 0, { numTimesteps: 1 }), { jobId: 'a', kind: 'decoding' });
    render(<RunCurve />);
    expect(screen.queryByRole('slider')).toBeNull();
  });

  it('says what a draft left out', () => {
    happen(queued('a'), stepDone('a', 0), stepDone('a', 1, { reused: 'unconditional', unetEvaluations: 1 }));
    render(<RunCurve />);
    expect(screen.getByTestId('reused').textContent).toBe('Draft: 1 step with reused predictions');
  });

  it('says which calls are of the outermost layers alone', () => {
    happen(queued('a'), stepDone('a', 0), stepDone('a', 1, { reused: 'features', unetEvaluations: 0 }));
    render(<RunCurve />);
    expect(screen.getByTestId('forecast').textContent).toBe('Guided 20 of 20 steps, 40 model calls');
    expect(screen.getByTestId('shallow').textContent).toBe('2 of them of the outermost layers alone');
  });
});
