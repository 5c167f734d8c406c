import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { JobEvent } from '../../../../shared/job.ts';
import { changeLanguage, startLanguage } from '../../i18n/i18n.ts';
import { appStore } from '../../stores/app.ts';
import { applyToJobs, jobsStore } from '../../stores/jobs.ts';
import { formStore, initialForm, setForm } from '../../stores/form.ts';
import { turnStage } from '../../stores/stageSide.ts';
import { viewStore } from '../../stores/view.ts';
import { fakeCore } from '../../testing/fakeCore.ts';
import { picture, queued, stepDone } from '../../testing/samples.ts';
import { Dock } from './Dock.tsx';

beforeAll(() => startLanguage('en'));

beforeEach(() => {
  appStore.setState({ link: 'open' });
  formStore.setState(initialForm, true);
  turnStage('result');
  jobsStore.setState(jobsStore.getInitialState(), true);
  viewStore.setState({ ...viewStore.getInitialState(), lastJobId: 'a' }, true);
});

afterEach(cleanup);

function happen(...events: JobEvent[]): void {
  for (const event of events) jobsStore.setState((state) => applyToJobs(state, event, 0));
}

describe('under the canvas', () => {
  it('stands nothing before the first run', () => {
    const { container } = render(<Dock />);
    expect(container.textContent).toBe('');
  });

  it('a run can be followed and steered', () => {
    happen(queued('a', { guidanceEnd: { kind: 'guided-steps', steps: 9 } }), stepDone('a', 0), stepDone('a', 1));
    render(<Dock />);
    expect(screen.getByRole('progressbar', { name: 'Run progress' }).getAttribute('aria-valuenow')).toBe('2');
    expect(screen.getByText(/saves 11 evaluations \(28%\)/)).toBeDefined();
    expect(screen.getByRole<HTMLInputElement>('slider', { name: 'CFG until step' }).value).toBe('9');
  });

  it('the past is locked: guidance ends with the step in progress at the earliest', () => {
    fakeCore({ 'jobs.steer': () => ({}) });
    happen(queued('a'), stepDone('a', 0), stepDone('a', 1));
    render(<Dock />);
    fireEvent.change(screen.getByRole('slider', { name: 'CFG until step' }), { target: { value: '0' } });
    expect(jobsStore.getState().byId['a']?.guidanceEnd).toEqual({ kind: 'guided-steps', steps: 2 });
  });

  it('shows the step that guidance went on to, when it was turned off during that step', () => {
    happen(queued('a'), stepDone('a', 0), stepDone('a', 1), {
      jobId: 'a',
      kind: 'steered',
      steering: { guidanceEnd: { kind: 'guided-steps', steps: 1 } },
      afterStep: 1,
    });
    render(<Dock />);
    expect(screen.getByRole<HTMLInputElement>('slider', { name: 'CFG until step' }).value).toBe('2');
  });

  it('a typed scale counts when it rests, a step of it at once', () => {
    vi.useFakeTimers();
    fakeCore({ 'jobs.steer': () => ({}) });
    happen(queued('a'), stepDone('a', 0));
    render(<Dock />);
    const scale = screen.getByRole('spinbutton', { name: 'CFG scale' });
    const now = (): number | undefined => jobsStore.getState().byId['a']?.guidanceScale;
    fireEvent.change(scale, { target: { value: '1' } });
    expect(now()).toBe(4);
    fireEvent.change(scale, { target: { value: '12' } });
    act(() => void vi.advanceTimersByTime(700));
    expect(now()).toBe(12);
    fireEvent.keyDown(scale, { key: 'ArrowUp' });
    expect(now()).toBe(12.5);
    fireEvent.change(scale, { target: { value: '3' } });
    fireEvent.blur(scale);
    expect(now()).toBe(3);
    vi.useRealTimers();
  });

  it('a button that goes hands the focus to the canvas', () => {
    happen(queued('a'), stepDone('a', 0), { jobId: 'a', kind: 'stopped', stepsDone: 1, numTimesteps: 20, hard: false, keepable: true, trace: null });
    render(
      <>
        <section id="canvas" tabIndex={-1} />
        <Dock />
      </>,
    );
    screen.getByRole('button', { name: 'Discard' }).focus();
    act(() => happen({ jobId: 'a', kind: 'removed' }));
    expect(document.activeElement?.id).toBe('canvas');
  });

  it('a stopped run says what happened, and its estimate can be kept', () => {
    const core = fakeCore({ 'jobs.keep': () => ({ pictures: [picture('p')] }) });
    happen(queued('a'), stepDone('a', 0), {
      jobId: 'a',
      kind: 'stopped',
      stepsDone: 1,
      numTimesteps: 20,
      hard: false,
      keepable: true,
      trace: null,
    });
    render(<Dock />);
    expect(screen.getByText('Stopped after 1 of 20 steps.')).toBeDefined();
    expect(screen.queryByText(/engine was ended/)).toBeNull();
    fireEvent.click(screen.getByRole('button', { name: 'Keep clean estimate' }));
    expect(core.asked).toEqual([{ name: 'jobs.keep', input: { jobId: 'a' } }]);
  });

  it('a run whose engine had to be ended says that too', () => {
    happen(queued('a'), { jobId: 'a', kind: 'stopped', stepsDone: 0, numTimesteps: 20, hard: true, keepable: false, trace: null });
    render(<Dock />);
    expect(screen.getByText(/The engine was ended and replaced; the run can be resumed\./)).toBeDefined();
  });

  it('a failed run says so in the words of the page, with the next step and the details', () => {
    const failure = { code: 'ENGINE_CRASH', message: 'signal SIGSEGV', nextStep: 'Generate again.', detail: 'stderr text' } as const;
    happen(queued('a'), { jobId: 'a', kind: 'failed', failure, stepsDone: 0, keepable: false });
    render(<Dock />);
    const alert = screen.getByRole('alert').textContent;
    expect(alert).toContain('The engine stopped unexpectedly.');
    expect(alert).toContain('signal SIGSEGV');
    expect(alert).toContain('Generate again.');
    expect(screen.getByText(/stderr text/)).toBeDefined();
    expect(screen.queryByRole('button', { name: 'Keep clean estimate' })).toBeNull();
  });

  it('in another language the engine’s English words are among the details', async () => {
    await changeLanguage('zh-CN');
    happen(queued('a'), { jobId: 'a', kind: 'failed', failure: { code: 'MODEL_NAN', message: 'unet gave NaN' }, stepsDone: 0, keepable: false });
    const { container } = render(<Dock />);
    expect(screen.getByRole('alert').textContent).not.toMatch(/[A-Za-z]{3}/);
    expect(container.querySelector('details')?.textContent).toContain('unet gave NaN');
    await changeLanguage('en');
  });

  it('a run whose settings were refused is not offered again as it was', () => {
    const failure = { code: 'INVALID_INPUT', field: 'clipSkip', message: 'clipSkip: too many', nextStep: 'Set clip skip to 0.' } as const;
    happen(queued('a'), { jobId: 'a', kind: 'failed', failure, stepsDone: 0, keepable: false });
    render(<Dock />);
    expect(screen.getByRole('alert').textContent).toContain('Set clip skip to 0.');
    expect(screen.getAllByRole('button').map(({ textContent }) => textContent)).toEqual(['Discard']);
  });

  it('a result out of sight cannot be deleted from under the start picture', () => {
    happen(queued('a'), stepDone('a', 0), { jobId: 'a', kind: 'stopped', stepsDone: 1, numTimesteps: 20, hard: false, keepable: true, trace: null });
    setForm({ task: 'inpaint', image: { id: 'a'.repeat(64), width: 640, height: 480 } });
    turnStage('start');
    render(<Dock />);
    expect(screen.getByText('Nothing is masked yet')).toBeDefined();
    expect(screen.getByText('640 × 480')).toBeDefined();
    expect(screen.queryByRole('button')).toBeNull();
    act(() => turnStage('result'));
    expect(screen.getByRole('button', { name: 'Keep clean estimate' })).toBeDefined();
  });

  it('a run whose picture alone could not be decoded offers just that', () => {
    const core = fakeCore({ 'jobs.continue': () => ({}) });
    const failure = { code: 'OUT_OF_MEMORY', message: 'No room to decode.' } as const;
    const done = { numTimesteps: 2 };
    happen(queued('a'), stepDone('a', 0, done), stepDone('a', 1, done), { jobId: 'a', kind: 'failed', failure, stepsDone: 2, keepable: true });
    render(<Dock />);
    expect(screen.queryByRole('button', { name: 'Resume' })).toBeNull();
    expect(screen.queryByRole('button', { name: 'Keep clean estimate' })).toBeNull();
    fireEvent.click(screen.getByRole('button', { name: 'Try decoding again' }));
    expect(core.asked).toEqual([{ name: 'jobs.continue', input: { jobId: 'a' } }]);
  });

  it('a run of which an estimate was kept can still go on', () => {
    const core = fakeCore({ 'jobs.continue': () => ({}) });
    const stopped: JobEvent = { jobId: 'a', kind: 'stopped', stepsDone: 1, numTimesteps: 20, hard: false, keepable: true, trace: null };
    happen(queued('a'), stepDone('a', 0), stopped, { jobId: 'a', kind: 'kept', pictures: [picture('p', { jobId: 'a', completeness: 'partial' })] });
    render(<Dock />);
    fireEvent.click(screen.getByRole('button', { name: 'Resume' }));
    expect(core.asked).toEqual([{ name: 'jobs.continue', input: { jobId: 'a' } }]);
    const finished: JobEvent = { jobId: 'a', kind: 'kept', pictures: [picture('p', { jobId: 'a' })] };
    act(() => happen(finished));
    expect(screen.queryByRole('button', { name: 'Resume' })).toBeNull();
  });

  it('a drawn curve sets the scale: its field shows that of the step to come, and says why it takes none', () => {
    const guidanceCurve = { kind: 'points', smooth: false, points: [{ at: 0, scale: 2 }, { at: 1, scale: 21 }] } as const;
    happen(queued('a', { guidanceCurve: { ...guidanceCurve, points: [...guidanceCurve.points] } }), stepDone('a', 0));
    render(<Dock />);
    const scale = screen.getByRole<HTMLInputElement>('spinbutton', { name: 'CFG scale' });
    expect([scale.disabled, scale.value]).toEqual([true, '3']);
    expect(screen.getByText(/The curve you have drawn sets the scale/)).toBeDefined();
  });
});
