import { beforeEach, describe, expect, it, vi } from 'vitest';
import { parseGenerationRequest } from '../../../shared/generation.ts';
import { emptySnapshot, type JobSnapshot } from '../../../shared/job.ts';
import type { AdapterFile } from '../../../shared/models.ts';
import { fakeCore } from '../testing/fakeCore.ts';
import { model, queued, request, step, stepDone } from '../testing/samples.ts';
import { type FormLora, formForModel, formStore, initialForm } from './form.ts';
import { checkForm } from './formErrors.ts';
import { formFromRequest, toRequest } from './formRequest.ts';
import { formToSave, readSavedForm } from './formSaved.ts';
import { applyToJobs, jobsStore } from './jobs.ts';
import { liveLoras, steerLora } from './liveLoras.ts';
import { foundLoras } from './loraFiles.ts';
import { addLora, changeLora, removeLora } from './loraForm.ts';
import { marksByStep } from './runMarks.ts';

const taking = { ...model, takesLoras: true };
const form = { ...initialForm, ...formForModel(taking) };
const row = (change: Partial<FormLora> = {}): FormLora => ({ name: 'ink', strength: '0.8', textStrength: '', course: 'constant', points: [], ...change });

beforeEach(() => {
  formStore.setState(form, true);
  jobsStore.setState(jobsStore.getInitialState(), true);
});

describe('the LoRAs of the form', () => {
  const rows: readonly FormLora[] = [
    row(),
    row({ name: 'b', strength: '-0,5', textStrength: '0' }),
    row({ name: 'c', course: 'fade-in' }),
    row({ name: 'd', course: 'fade-out' }),
    row({ name: 'e', course: 'first-half' }),
    row({ name: 'f', course: 'second-half' }),
    row({ name: 'g', course: 'own', points: [{ at: 0.2, strength: 1 }, { at: 0.4, strength: 2 }] }),
  ];

  it('are in the request, and come back from it', () => {
    const made = toRequest({ ...form, loras: rows }, taking, '7');
    expect(parseGenerationRequest(made)).toEqual(made);
    expect(made.loras.slice(0, 4)).toEqual([
      { name: 'ink', strength: 0.8, textStrength: null, curve: { kind: 'constant' } },
      { name: 'b', strength: -0.5, textStrength: 0, curve: { kind: 'constant' } },
      { name: 'c', strength: 0.8, textStrength: null, curve: { kind: 'points', points: [{ at: 0, strength: 0 }, { at: 1, strength: 0.8 }] } },
      { name: 'd', strength: 0.8, textStrength: null, curve: { kind: 'points', points: [{ at: 0, strength: 0.8 }, { at: 1, strength: 0 }] } },
    ]);
    const back = formFromRequest(made).loras;
    expect(back).toEqual(rows.map((one) => (one.name === 'b' ? { ...one, strength: '-0.5' } : one)));
    expect(toRequest({ ...form, loras: back ?? [] }, taking, '7').loras).toEqual(made.loras);
  });

  it('stay out of the request of a model that takes none', () => {
    expect(toRequest({ ...form, loras: rows }, model, '7').loras).toEqual([]);
    expect(checkForm({ ...form, loras: [row({ strength: 'much' })] }, model).loras).toBeUndefined();
  });

  it.each([row({ strength: 'much' }), row({ strength: '' }), row({ strength: '4.1' }), row({ textStrength: '-5' })])('%j is told', (wrong) => {
    expect(checkForm({ ...form, loras: [row({ name: 'fine' }), wrong] }, taking).loras).toEqual({ key: 'number', min: -4, max: 4 });
  });

  it('are saved with the form; what is none is not read', () => {
    const saved = JSON.parse(JSON.stringify(formToSave({ ...form, loras: rows }))) as Record<string, unknown>;
    expect(readSavedForm(saved).loras).toEqual(rows);
    expect(readSavedForm({ ...saved, loras: [{ name: 'ink' }] }).loras).toBeUndefined();
  });

  it('come once each, change, go and come back where they were', () => {
    for (const name of ['ink', 'b', 'ink', 'c']) addLora(name);
    expect(formStore.getState().loras.map(({ name }) => name)).toEqual(['ink', 'b', 'c']);
    changeLora('b', { strength: '0.3' });
    const undo = removeLora('b');
    expect(formStore.getState().loras.map(({ name }) => name)).toEqual(['ink', 'c']);
    undo();
    expect(formStore.getState().loras.map(({ name, strength }) => [name, strength])).toEqual([['ink', '1'], ['b', '0.3'], ['c', '1']]);
    for (let index = 0; index < 9; index++) addLora(`more ${String(index)}`);
    expect(formStore.getState().loras).toHaveLength(8);
  });
});

describe('the LoRAs that are found', () => {
  const file = (name: string, change: Partial<AdapterFile> = {}): AdapterFile => ({ name, kind: 'lora', path: `/loras/${name}`, bytes: 1, family: 'sd', rank: 4, triggers: [], problem: null, ...change });
  const files = [file('z'), file('big', { family: 'sdxl' }), file('broken', { problem: { code: 'MODEL_BAD', message: 'no' } }), file('a', { triggers: ['ink wash'] }), file('hands', { kind: 'embedding' })];
  it('have all the words; what suits the model is first', () => {
    expect(foundLoras(files, '', model).map(({ name }) => name)).toEqual(['a', 'z', 'big', 'broken']);
    expect(foundLoras(files, ' WASH in', model).map(({ name }) => name)).toEqual(['a']);
    expect(foundLoras(files, 'hands', model)).toEqual([]);
  });
});

describe('the LoRAs of a run', () => {
  const loras = [{ name: 'ink', strength: 0, textStrength: null, curve: { kind: 'constant' as const } }];
  const run = (change: Partial<JobSnapshot> = {}): JobSnapshot => ({ ...emptySnapshot('a', { ...request, prompt: 'a <lora:wash:0.4>', loras }, 0), steps: [step(0)], state: 'running', ...change });

  it('are those of its list and its tags, as strong as they are for the next step', () => {
    expect(liveLoras(run(), {}, 20)).toEqual([
      { name: 'ink', strength: 0, curved: false, pending: false },
      { name: 'wash', strength: 0.4, curved: false, pending: false },
    ]);
    const log = [{ afterStep: 0, steering: { loras: [{ name: 'wash', strength: 0.9 }] } }];
    expect(liveLoras(run({ log }), { loras: [{ name: 'ink', strength: 1 }] }, 20)).toEqual([
      { name: 'ink', strength: 1, curved: false, pending: true },
      { name: 'wash', strength: 0.9, curved: false, pending: false },
    ]);
    const fade = [{ name: 'ink', strength: 1, textStrength: null, curve: { kind: 'points' as const, points: [{ at: 0, strength: 1 }, { at: 1, strength: 0 }] } }];
    expect(liveLoras(run({ request: { ...request, loras: fade } }), {}, 3)).toEqual([{ name: 'ink', strength: 0.5, curved: true, pending: false }]);
    expect(liveLoras(run({ request: { ...request, prompt: '<lora:>' } }), {}, 20)).toEqual([]);
  });

  it('go together where several are moved during one step', async () => {
    vi.useFakeTimers();
    const core = fakeCore({ 'jobs.steer': () => ({}) });
    for (const event of [queued('a', { loras }), stepDone('a', 0)]) jobsStore.setState((state) => applyToJobs(state, event, 0));
    steerLora('a', 'ink', 0.3);
    steerLora('a', 'wash', 0.5);
    steerLora('a', 'ink', 0.4);
    await vi.advanceTimersByTimeAsync(200);
    expect(core.asked).toEqual([{ name: 'jobs.steer', input: { jobId: 'a', steering: { loras: [{ name: 'wash', strength: 0.5 }, { name: 'ink', strength: 0.4 }] } } }]);
    vi.useRealTimers();
  });

  it('are marked each where it ended', () => {
    const log = [
      { afterStep: 0, steering: { loras: [{ name: 'ink', strength: 0.1 }, { name: 'wash', strength: 1 }] } },
      { afterStep: 0, steering: { loras: [{ name: 'ink', strength: 0.2 }] } },
      { afterStep: 0, steering: { guidanceScale: 3, loras: [{ name: 'ink', strength: 0.3 }] } },
    ];
    expect(marksByStep(run({ log }), []).get(0)).toEqual([
      { kind: 'steered', steering: { loras: [{ name: 'wash', strength: 1 }] } },
      { kind: 'steered', steering: { guidanceScale: 3, loras: [{ name: 'ink', strength: 0.3 }] } },
    ]);
  });
});
