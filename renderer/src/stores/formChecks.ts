import { createStore } from 'zustand/vanilla';
import type { Failure } from '../../../shared/errors.ts';
import { appStore } from './app.ts';
import { formStore } from './form.ts';
import { checkForm, type FieldErrors, type FormField } from './formRequest.ts';
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

const formFields: readonly FormField[] = [
  'modelId',
  'prompt',
  'negativePrompt',
  'steps',
  'guidanceScale',
  'seed',
  'width',
  'height',
  'count',
];

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
  const good = Object.keys(errors).length === 0;
  formChecksStore.setState(good ? untouched : { all: true, refused: {}, attempts: formChecksStore.getState().attempts + 1 });
  return good;
}

/** Takes a refusal of the core to its field; false when it belongs to none. */
export function refuseField(failure: Failure): boolean {
  const field = formFields.find((name) => name === failure.field);
  if (failure.code !== 'INVALID_INPUT' || field === undefined) return false;
  formChecksStore.setState(({ attempts }) => ({
    refused: { [field]: { key: 'text', message: failure.message } },
    attempts: attempts + 1,
  }));
  return true;
}
