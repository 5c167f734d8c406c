import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startLanguage } from '../../i18n/i18n.ts';
import { appStore } from '../../stores/app.ts';
import { canRun } from '../../stores/commandActions.ts';
import { formForModel, formStore, initialForm, setForm } from '../../stores/form.ts';
import { formChecksStore } from '../../stores/formChecks.ts';
import { applyToJobs, jobsStore } from '../../stores/jobs.ts';
import { generate } from '../../stores/runActions.ts';
import { tokenCountsStore } from '../../stores/tokenCounts.ts';
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

  it('shows fewer examples beside a start picture, for the picture comes first', () => {
    appStore.setState({ models: [{ ...model, examplePrompts: ['a house', 'a tree', 'a lake'] }] });
    setForm({ task: 'image-to-image' });
    render(<CreatePanel picture={<p>picture field</p>} />);
    expect(screen.getByRole('group', { name: 'Try one of these' }).querySelectorAll('button')).toHaveLength(2);
    const order = screen.getByText('picture field').compareDocumentPosition(screen.getByRole('textbox', { name: 'Prompt' }));
    expect(order).toBe(Node.DOCUMENT_POSITION_FOLLOWING);
  });

  it('tells a few chunks of a long prompt, and only the number of many', () => {
    setForm({ prompt: 'a house' });
    tokenCountsStore.setState({ prompt: { chunks: [75, 60], chunkSize: 75, cut: 0, cutText: '' } });
    render(<CreatePanel />);
    expect(screen.getByTestId('tokens-prompt').textContent).toBe('2 chunks: 75 + 60');
    act(() => tokenCountsStore.setState({ prompt: { chunks: [75, 60, 75, 9], chunkSize: 75, cut: 0, cutText: '' } }));
    expect(screen.getByTestId('tokens-prompt').textContent).toBe('4 chunks');
    expect(screen.getByTestId('tokens-prompt').title).toContain('75 + 60 + 75 + 9');
  });

  it('says how brackets are read, a click away from the prompt', () => {
    render(<CreatePanel />);
    fireEvent.click(screen.getByRole('button', { name: 'How prompts are read' }));
    expect(screen.getByRole('dialog').textContent).toContain('(word:1.3)1.3 times the weight');
    act(() => setForm({ promptSyntax: 'comfy' }));
    expect(screen.getByRole('dialog').textContent).not.toContain('BREAK');
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
    expect(
      screen.getByText(
        'Guided 9 of 20 steps, 29 model calls, 28% fewer · From step 10 on the negative prompt no longer acts · ratio 0.40',
      ),
    ).toBeDefined();
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

  it('keeps everything while it goes from tab to tab', () => {
    render(<CreatePanel picture={<p>the start picture</p>} />);
    fireEvent.change(screen.getByRole('textbox', { name: 'Prompt' }), { target: { value: 'a blue house' } });
    const text = screen.getByRole('tab', { name: 'Text' });
    expect(text.getAttribute('aria-selected')).toBe('true');
    expect(screen.queryByText('the start picture')).toBeNull();
    fireEvent.keyDown(text, { key: 'ArrowRight' });
    expect(document.activeElement).toBe(screen.getByRole('tab', { name: 'Image', selected: true }));
    expect(screen.getByText('the start picture')).toBeDefined();
    expect(screen.getByRole('tabpanel', { name: 'Image' })).toBeDefined();
    fireEvent.keyDown(screen.getByRole('tab', { name: 'Image' }), { key: 'End' });
    expect(screen.getByRole('tab', { name: 'Inpaint', selected: true }).tabIndex).toBe(0);
    expect(screen.getByRole<HTMLTextAreaElement>('textbox', { name: 'Prompt' }).value).toBe('a blue house');
    expect(formStore.getState()).toMatchObject({ task: 'inpaint', prompt: 'a blue house' });
  });

  it('says how many steps a strength runs, and when none would', () => {
    setForm({ task: 'image-to-image', scheduler: 'heun' });
    render(<CreatePanel />);
    expect(screen.getByText('16 of 20 steps will run · 31 model calls')).toBeDefined();
    fireEvent.change(screen.getByRole('slider', { name: 'Strength slider' }), { target: { value: '0.04' } });
    expect(screen.getByText('With 20 steps nothing would run: choose 0.05 or more')).toBeDefined();
    expect(screen.getByRole('spinbutton', { name: 'Strength' }).getAttribute('aria-invalid')).toBe('true');
  });

  it('turns to the missing picture', async () => {
    setForm({ task: 'image-to-image' });
    render(<CreatePanel />);
    await act(async () => void (await generate()));
    expect(document.activeElement?.textContent).toBe('Choose a picture to start from');
  });

  it('says in a line what differs while Advanced is closed, and resets one of it', () => {
    setForm({ clipSkip: '2', noise: 'a1111-nv' });
    render(<CreatePanel />);
    expect(screen.queryByRole('spinbutton', { name: 'Clip skip' })).toBeNull();
    expect(screen.getByText('Clip skip: 2 · Noise like: A1111 and ComfyUI, NV')).toBeDefined();
    fireEvent.click(screen.getByRole('button', { name: /Advanced/ }));
    fireEvent.click(screen.getByRole('button', { name: 'Reset: Clip skip' }));
    expect(formStore.getState()).toMatchObject({ clipSkip: '0', noise: 'a1111-nv', advancedOpen: true });
    expect(screen.queryByRole('button', { name: 'Reset: Clip skip' })).toBeNull();
  });

  it('opens Advanced to turn to what is wrong there', async () => {
    setForm({ clipSkip: '99' });
    render(<CreatePanel />);
    await act(async () => void (await generate()));
    expect(document.activeElement).toBe(screen.getByRole('spinbutton', { name: 'Clip skip' }));
  });

  it('takes a card for its numbers', () => {
    setForm({ advancedOpen: true, noise: 'torch-cuda' });
    render(<CreatePanel />);
    fireEvent.change(screen.getByRole('combobox', { name: 'Card' }), { target: { value: 'A100' } });
    expect(formStore.getState()).toMatchObject({ sms: '108', threadsPerSm: '2048' });
    fireEvent.change(screen.getByRole('spinbutton', { name: 'SMs' }), { target: { value: '107' } });
    expect(screen.getByRole<HTMLSelectElement>('combobox', { name: 'Card' }).selectedOptions[0]?.textContent).toBe('Another card');
  });

  it('shows the tokens of a prompt, and what of it is left out', () => {
    setForm({ prompt: 'a red house' });
    render(<CreatePanel />);
    const counted = (change: object): void =>
      act(() => tokenCountsStore.setState({ prompt: { chunks: [3], chunkSize: 75, cut: 0, cutText: '', ...change } }, true));
    counted({});
    expect(screen.getByTestId('tokens-prompt').textContent).toBe('3 / 75');
    counted({ chunks: [75, 12] });
    expect(screen.getByTestId('tokens-prompt').textContent).toBe('2 chunks: 75 + 12');
    counted({ chunks: [75], cut: 2, cutText: ' by the sea' });
    expect(screen.getByTestId('tokens-prompt').textContent).toBe('77 / 75');
    expect(screen.getAllByRole('status').map(({ textContent }) => textContent)).toContain('2 tokens are left out: by the sea');
  });

  it('says at once that a model cannot start from a picture', () => {
    appStore.setState({ models: [{ ...model, tasks: ['text-to-image'] }] });
    setForm({ task: 'inpaint' });
    render(<CreatePanel />);
    expect(screen.getByText('This model cannot start from a picture: it has no picture encoder')).toBeDefined();
  });

  it('shows what only SDXL knows for SDXL', () => {
    setForm({ advancedOpen: true });
    const { unmount } = render(<CreatePanel />);
    expect(screen.queryByRole('textbox', { name: 'Prompt of the second encoder' })).toBeNull();
    unmount();
    appStore.setState({ models: [{ ...model, family: 'sdxl' }] });
    render(<CreatePanel />);
    expect(screen.getByRole('textbox', { name: 'Prompt of the second encoder' })).toBeDefined();
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
