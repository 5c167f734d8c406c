import { beforeEach, describe, expect, it } from 'vitest';
import { emptySnapshot, type JobSnapshot } from '../../../shared/job.ts';
import { request, step } from '../testing/samples.ts';
import { currentPrompts, dropLiveEdit, editedStep, liveEditsStore, setLiveEdit, unapplied } from './liveEdits.ts';

const job: JobSnapshot = { ...emptySnapshot('a', request, 0), steps: [step(0), step(1), step(2)] };
const editOf = (jobId: string) => liveEditsStore.getState().byJob[jobId];

beforeEach(() => liveEditsStore.setState({ byJob: {} }));

describe('prompts changed while a run goes on', () => {
  it('begin with what the run draws now: the newest of its log, else its request', () => {
    expect(currentPrompts(job)).toEqual({ prompt: 'a red house', negativePrompt: '' });
    const log = [
      { afterStep: 0, steering: { prompt: 'a moon', negativePrompt: 'fog' } },
      { afterStep: 1, steering: { negativePrompt: null } },
    ];
    expect(currentPrompts({ ...job, log })).toEqual({ prompt: 'a moon', negativePrompt: '' });
  });

  it('are what differs from that, and nothing once the engine has confirmed it', () => {
    setLiveEdit(job, { prompt: 'a blue house' });
    expect(unapplied(job, editOf('a'))).toEqual({ prompt: 'a blue house' });
    const confirmed = { ...job, log: [{ afterStep: 2, steering: { prompt: 'a blue house' } }] };
    expect(unapplied(confirmed, editOf('a'))).toBeNull();
  });

  it('with an empty negative prompt mean none', () => {
    const negative = { ...job, request: { ...request, negativePrompt: 'fog' } };
    setLiveEdit(negative, { negativePrompt: '' });
    expect(unapplied(negative, editOf('a'))).toEqual({ negativePrompt: null });
  });

  it('can be dropped', () => {
    setLiveEdit(job, { prompt: 'a blue house' });
    dropLiveEdit('a');
    expect(unapplied(job, editOf('a'))).toBeNull();
  });

  it('that came too late fork where they were made, or from the step looked at, never from the end', () => {
    const edit = { prompt: 'x', negativePrompt: '', stepsDone: 2 };
    expect(editedStep(job, edit, null)).toBe(1);
    expect(editedStep(job, edit, 0)).toBe(0);
    expect(editedStep({ ...job, state: 'finished' }, { ...edit, stepsDone: 3 }, null)).toBe(1);
    expect(editedStep({ ...job, state: 'stopped' }, { ...edit, stepsDone: 3 }, null)).toBe(2);
    expect(editedStep(job, { ...edit, stepsDone: 0 }, null)).toBe(0);
  });
});
