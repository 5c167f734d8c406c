import { act, cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JobEvent } from '../../../../shared/job.ts';
import { startLanguage } from '../../i18n/i18n.ts';
import { appStore } from '../../stores/app.ts';
import { branchesStore } from '../../stores/branches.ts';
import { breakpointsOf } from '../../stores/breakpoints.ts';
import { chartStore } from '../../stores/chart.ts';
import { applyToJobs, jobsStore } from '../../stores/jobs.ts';
import { showJob, viewStore } from '../../stores/view.ts';
import { fakeCore } from '../../testing/fakeCore.ts';
import { preview, queued, stepDone } from '../../testing/samples.ts';
import { Strip } from './Strip.tsx';

beforeAll(() => startLanguage('en'));

beforeEach(() => {
  appStore.setState({ link: 'open' });
  jobsStore.setState(jobsStore.getInitialState(), true);
  branchesStore.setState(branchesStore.getInitialState(), true);
  chartStore.setState(chartStore.getInitialState(), true);
  viewStore.setState({ ...viewStore.getInitialState(), lastJobId: 'a' }, true);
});

afterEach(cleanup);

function happen(...events: JobEvent[]): void {
  for (const event of events) jobsStore.setState((state) => applyToJobs(state, event, 0));
}

const firstSteps = [
  queued('a'),
  stepDone('a', 0, { sigma: 14.61, guidanceScale: 7.5, ms: 40 }),
  preview('a', 0),
  stepDone('a', 1, { sigma: 9.2, guided: false, guidanceScale: 1, unetEvaluations: 1, estimateChange: 0.25, ms: 20 }),
  preview('a', 1),
];

/** What is heard of each frame. */
const options = (): (string | undefined)[] =>
  screen.getAllByRole('option').map((option) => [...option.children].find((part) => !part.hasAttribute('aria-hidden'))?.textContent);

describe('the strip', () => {
  it('tells of every finished step its number, sigma and guidance', () => {
    happen(...firstSteps);
    render(<Strip />);
    expect(options()).toEqual([
      'Step 1 of 20, guided, sigma 14.6, guidance 7.5',
      'Step 2 of 20, not guided, sigma 9.2, guidance off',
    ]);
  });

  it('says what was taken from an earlier step', () => {
    happen(queued('a'), stepDone('a', 0), stepDone('a', 1, { reused: 'step', unetEvaluations: 0 }));
    render(<Strip />);
    expect(options()[1]).toContain('no model call');
    act(() => happen(stepDone('a', 2, { reused: 'features', unetEvaluations: 0 })));
    expect(options()[2]).toContain('The outermost layers alone, with deep features of an earlier step');
  });

  it('is gone through with the arrow keys', () => {
    happen(...firstSteps);
    render(<Strip />);
    const strip = screen.getByTestId('strip');
    fireEvent.keyDown(strip, { key: 'ArrowLeft' });
    expect(viewStore.getState().lookStep).toBe(0);
    fireEvent.keyDown(strip, { key: 'End' });
    expect(viewStore.getState().lookStep).toBeNull();
  });

  it('gives a glance at the step under a pointer that moves, and back', () => {
    happen(...firstSteps);
    render(<Strip />);
    const frame = screen.getAllByRole('option')[0];
    if (frame === undefined) throw new Error('no frame');
    const move = (movementX: number): PointerEvent => {
      const event = new PointerEvent('pointermove', { bubbles: true, pointerType: 'mouse' });
      Object.defineProperties(event, { movementX: { value: movementX }, movementY: { value: 0 } });
      return event;
    };
    fireEvent(frame, move(0));
    expect(viewStore.getState().peekStep).toBeNull();
    fireEvent(frame, move(3));
    expect(viewStore.getState().peekStep).toBe(0);
    fireEvent.pointerOut(frame, { relatedTarget: document.body });
    expect(viewStore.getState()).toMatchObject({ peekStep: null, lookStep: null });
  });

  it('marks where something was done, and says it with the step', () => {
    happen(...firstSteps, { jobId: 'a', kind: 'steered', steering: { guidanceScale: 3, prompt: 'a moon' }, afterStep: 0 });
    render(<Strip />);
    expect(screen.getByTestId('mark').getAttribute('title')).toBe('Prompt: a moon\nGuidance 3');
    expect(options()[0]).toContain('Then: Prompt: a moon; Guidance 3');
    act(() => happen({ jobId: 'a', kind: 'paused', stepsDone: 2, reason: 'step' }));
    expect(options()[1]).toContain('Paused: at your breakpoint');
  });

  it('opens the fork panel at the step that is looked at', () => {
    happen(...firstSteps);
    viewStore.setState({ lookStep: 0 });
    render(<Strip />);
    fireEvent.click(screen.getByRole('button', { name: 'Continue from here' }));
    expect(branchesStore.getState().target).toMatchObject({ jobId: 'a', stepIndex: 0 });
  });

  it('offers the same by the menu of a frame', async () => {
    happen(...firstSteps);
    render(<Strip />);
    const frame = screen.getAllByRole('option')[1];
    if (frame === undefined) throw new Error('no frame');
    fireEvent.contextMenu(frame);
    fireEvent.click(await screen.findByRole('menuitem', { name: 'Continue from step 2' }));
    expect(branchesStore.getState().target).toMatchObject({ jobId: 'a', stepIndex: 1 });
  });
});

describe('another run', () => {
  const pictures = (): (string | null | undefined)[] => screen.getAllByRole('option').map((option) => option.querySelector('img')?.getAttribute('src'));

  const showNext = (): void => {
    act(() => {
      happen(queued('b'), { jobId: 'b', kind: 'loading', part: 'unet' });
      showJob('b');
    });
  };

  it('takes the strip over: of the one before nothing is heard, and its steps are written over', async () => {
    happen(...firstSteps, { jobId: 'a', kind: 'steered', steering: { guidanceScale: 3 }, afterStep: 0 });
    render(<Strip />);
    const [taken] = screen.getAllByRole('option');
    const before = pictures();
    showNext();
    await waitFor(() => expect(screen.queryAllByRole('option')).toHaveLength(0));
    expect(screen.queryByTestId('mark')).toBeNull();
    act(() => happen(stepDone('b', 0, { sigma: 5, guidanceScale: 2 })));
    expect(options()).toEqual(['Step 1 of 20, guided, sigma 5, guidance 2']);
    expect(screen.getAllByRole('option')).toEqual([taken]);
    // The picture of the run before would be the wrong one.
    expect(pictures()).toEqual([undefined]);
    act(() => happen(preview('b', 0)));
    expect(pictures()).not.toEqual([undefined]);
    expect(before).not.toContain(pictures()[0]);
  });

  it('closes the menu of a frame', async () => {
    happen(...firstSteps);
    render(<Strip />);
    const [frame] = screen.getAllByRole('option');
    if (frame === undefined) throw new Error('no frame');
    fireEvent.contextMenu(frame);
    await screen.findByRole('menuitem', { name: 'Continue from step 1' });
    showNext();
    await waitFor(() => expect(screen.queryByRole('menuitem')).toBeNull());
  });

  it('begins the ruler anew', async () => {
    happen(...firstSteps);
    render(<Strip />);
    const ninth = screen.getByRole('button', { name: 'Pause after step 9' });
    act(() => ninth.focus());
    expect(ninth.tabIndex).toBe(0);
    showNext();
    await waitFor(() => expect(screen.getByRole('button', { name: 'Pause after step 1' }).tabIndex).toBe(0));
    expect(ninth.tabIndex).toBe(-1);
  });
});

describe('the ruler', () => {
  it('sets a breakpoint at a step to come, by mouse or keyboard; what is past is locked', () => {
    const core = fakeCore({ 'jobs.breakpoints': () => ({}) });
    happen(...firstSteps);
    render(<Strip />);
    const ruler = screen.getByTestId('ruler');
    expect(within(ruler).queryByRole('button', { name: 'Pause after step 2' })).toBeNull();
    expect(within(ruler).queryByRole('button', { name: 'Pause after step 20' })).toBeNull();
    const third = within(ruler).getByRole('button', { name: 'Pause after step 3' });
    third.focus();
    fireEvent.keyDown(third, { key: 'ArrowRight' });
    const fourth = within(ruler).getByRole('button', { name: 'Pause after step 4' });
    expect(document.activeElement).toBe(fourth);
    fireEvent.click(fourth);
    expect(fourth.getAttribute('aria-pressed')).toBe('true');
    expect(core.asked).toEqual([{ name: 'jobs.breakpoints', input: { jobId: 'a', breakpoints: [{ kind: 'step', stepIndex: 3 }] } }]);
  });

  it('is one stop for the Tab key, also when the run has passed the place that had the focus', () => {
    happen(...firstSteps);
    render(<Strip />);
    const stops = (): (string | null)[] =>
      within(screen.getByTestId('ruler'))
        .getAllByRole('button')
        .filter((button) => button.tabIndex === 0)
        .map((button) => button.getAttribute('aria-label'));
    expect(stops()).toEqual(['Pause after step 3']);
    act(() => happen(stepDone('a', 2), stepDone('a', 3)));
    expect(stops()).toEqual(['Pause after step 5']);
  });
});

describe('the breakpoints menu', () => {
  it('offers the cutoff and the settled picture, lists what is set and takes it away', async () => {
    fakeCore({ 'jobs.breakpoints': () => ({}) });
    happen(...firstSteps);
    render(<Strip />);
    fireEvent.click(screen.getByRole('button', { name: 'Breakpoints' }));
    fireEvent.click(await screen.findByRole('switch', { name: 'When the picture has settled' }));
    fireEvent.click(screen.getByRole('switch', { name: 'Before the cutoff' }));
    expect(breakpointsOf('a')).toEqual([{ kind: 'cutoff' }, { kind: 'settled', threshold: 0.02 }]);
    fireEvent.change(screen.getByRole('spinbutton', { name: 'Change below' }), { target: { value: '0.05' } });
    expect(breakpointsOf('a')).toContainEqual({ kind: 'settled', threshold: 0.05 });
    fireEvent.click(screen.getByRole('button', { name: 'Remove: Before the cutoff' }));
    expect(breakpointsOf('a')).toEqual([{ kind: 'settled', threshold: 0.05 }]);
  });

  it('takes the number of a step', async () => {
    fakeCore({ 'jobs.breakpoints': () => ({}) });
    happen(...firstSteps);
    render(<Strip />);
    fireEvent.click(screen.getByRole('button', { name: 'Breakpoints' }));
    const field = await screen.findByRole('spinbutton', { name: 'After step' });
    fireEvent.change(field, { target: { value: '2' } });
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Add' }).disabled).toBe(true);
    fireEvent.change(field, { target: { value: '12' } });
    fireEvent.click(screen.getByRole('button', { name: 'Add' }));
    expect(breakpointsOf('a')).toEqual([{ kind: 'step', stepIndex: 11 }]);
  });
});

describe('the chart', () => {
  it('says the same in a table', () => {
    happen(...firstSteps);
    render(<Strip />);
    const rows = within(screen.getByRole('table', { name: 'Numbers of the finished steps' })).getAllByRole('row');
    expect(rows.map((row) => [...row.children].map((cell) => cell.textContent))).toEqual([
      ['Step', 'Sigma', 'CFG scale', 'Change', 'Guidance', 'Time', 'Guided'],
      ['1', '14.61', '7.5', '–', '–', '0.04 s', 'yes'],
      ['2', '9.2', '1', '0.25', '–', '0.02 s', 'no'],
    ]);
  });

  it('shows the values of the step that is looked at, else of the newest', () => {
    happen(...firstSteps);
    render(<Strip />);
    const time = screen.getByRole('button', { name: /^Time/ });
    expect(time.textContent).toBe('Time0.02 s');
    act(() => viewStore.setState({ lookStep: 0 }));
    expect(time.textContent).toBe('Time0.04 s');
  });

  it('draws what is switched on', () => {
    happen(...firstSteps);
    const { container } = render(<Strip />);
    const lines = (): number => container.querySelectorAll('[data-testid="metrics"] path').length;
    expect(lines()).toBe(2);
    const time = screen.getByRole('button', { name: /^Time/ });
    fireEvent.click(time);
    expect(time.getAttribute('aria-pressed')).toBe('true');
    expect(lines()).toBe(3);
  });
});
