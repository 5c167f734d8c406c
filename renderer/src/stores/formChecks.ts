import { createStore } from 'zustand/vanilla';
import type { Failure } from '../../../shared/errors.ts';
import { isAdvanced } from './advanced.ts';
import { appStore } from './app.ts';
import { formStore, setForm, type FormState } from './form.ts';
import { checkForm } from './formErrors.ts';
import { formFields, type FieldErrors, type FormField } from './formFields.ts';
import { currentModel } from './models.ts';

export interface FormChecksState {
  /** Fields whose error is shown: those that were left, or all after Generate. */
  readonly touched: Readonly<Partial<Record<FormField, boolean>>>;
  readonly all: boolean;
  /** What the core refused at the last Generate. */
  readonly refused: FieldErrors;
  /** Counts the times Generate found something wrong, so that the form can turn to it each time. */
  readonly attempts: number;
}

const untouched: FormChecksState = { touched: {}, all: false, refused: {}, attempts: 0 };

export const formChecksStore = createStore<FormChecksState>(() => untouched);

export function touchField(field: FormField): void {
  formChecksStore.setState((state) => ({ touched: { ...state.touched, [field]: true } }));
}

export function forgetRefusal(field: FormField): void {
  const { refused } = formChecksStore.getState();
  if (refused[field] === undefined) return;
  formChecksStore.setState({ refused: Object.fromEntries(Object.entries(refused).filter(([name]) => name !== field)) });
}

/** Checks everything and shows what is wrong. True when the form can be sent. */
export function checkAll(): boolean {
  const errors = checkForm(formStore.getState(), currentModel(appStore.getState(), formStore.getState().modelId));
  const wrong = formFields.filter((field) => errors[field] !== undefined);
  openFor(wrong);
  const good = wrong.length === 0;
  formChecksStore.setState(good ? untouched : { all: true, refused: {}, attempts: formChecksStore.getState().attempts + 1 });
  return good;
}

/** At its field a refusal need not name it again: `clipSkip: this model has ...` becomes `This model has ...`. */
function sentenceOf(message: string): string {
  const said = message.replace(/^[a-z][\w.]*: /i, '');
  return said.charAt(0).toUpperCase() + said.slice(1);
}

/** Takes a refusal of the core to its field; false when it belongs to none. */
export function refuseField(failure: Failure): boolean {
  const field = fieldOf(failure.field ?? '');
  if (failure.code !== 'INVALID_INPUT' || field === null) return false;
  openFor([field]);
  formChecksStore.setState(({ attempts }) => ({
    refused: { [field]: { key: 'text', message: sentenceOf(failure.message) } },
    attempts: attempts + 1,
  }));
  return true;
}

const sent = new Map<string, FormState>();
/** A queue can be long; what failed further back is told by its own panel alone. */
const mostSent = 256;

/** Remembers what a run was sent with, so that its failure can be taken to a field that still says the same. */
export function noteSent(jobIds: readonly string[], form: FormState): void {
  for (const jobId of jobIds) sent.set(jobId, form);
  for (const oldest of [...sent.keys()].slice(0, -mostSent)) sent.delete(oldest);
}

/** What only the engine could find wrong, with the model at hand. The form is not turned to it: the run's own panel tells it already. */
export function refuseSent(jobId: string, failure: { readonly code: Failure['code']; readonly message: string; readonly field?: string | undefined }): void {
  const form = sent.get(jobId);
  sent.delete(jobId);
  const field = fieldOf(failure.field ?? '');
  if (form === undefined || failure.code !== 'INVALID_INPUT' || field === null) return;
  if (field in form && form[field as keyof FormState] !== formStore.getState()[field as keyof FormState]) return;
  formChecksStore.setState(({ refused }) => ({ refused: { ...refused, [field]: { key: 'text', message: sentenceOf(failure.message) } } }));
}

/** A field out of sight cannot be turned to. */
function openFor(fields: readonly FormField[]): void {
  if (fields.some(isAdvanced)) setForm({ advancedOpen: true });
}

/** Fields of the request that stand in the form under another name. */
const otherNames: Readonly<Record<string, FormField>> = {
  task: 'modelId',
  guidanceEnd: 'cutoff',
  'guidanceEnd.cosine': 'cutoffCosine',
  'reuse.every': 'reuseEvery',
  'reuse.threshold': 'reuseThreshold',
  'reuse.most': 'reuseMost',
  reuse: 'reuseEvery',
  'guidanceInterval.sigmaLow': 'sigmaLow',
  guidanceInterval: 'sigmaHigh',
  'noise.threadsPerSm': 'threadsPerSm',
  noise: 'sms',
  imagesPerPrompt: 'count',
  promptSyntax: 'prompt',
  keepUnmasked: 'mask',
  microConditioning: 'originalSize',
};

function curveField(kind: FormState['guidanceCurve']): FormField {
  if (kind === 'list') return 'guidanceScales';
  return kind === 'linear' || kind === 'cosine' ? 'guidanceTo' : 'guidanceCurve';
}

/** The form's field for a path in the request, as `guidanceCurve.to` or `timesteps.3`; null when there is none. */
export function fieldOf(path: string): FormField | null {
  const parts = path.replace(/^request\./, '').split('.');
  if (parts[0] === 'guidanceCurve') return curveField(formStore.getState().guidanceCurve);
  if (parts[0] === 'callbacks') return 'callbacks';
  if (parts[0] === 'microConditioning' && parts.length > 1) parts.shift();
  for (let length = parts.length; length > 0; length--) {
    const name = parts.slice(0, length).join('.');
    const field = otherNames[name] ?? formFields.find((known) => known === name);
    if (field !== undefined) return field;
  }
  return null;
}
