import { createStore } from 'zustand/vanilla';
import type { TokenCount } from '../../../shared/job.ts';
import { appStore } from './app.ts';
import { callCore } from './core.ts';
import { formStore, type FormState } from './form.ts';

export const countedFields = ['prompt', 'negativePrompt', 'prompt2', 'negativePrompt2'] as const;
export type CountedField = (typeof countedFields)[number];

/** How the model's tokenizer saw the texts when it was last asked; the numbers before stay until new ones are there. */
export type TokenCountsState = Readonly<Partial<Record<CountedField, TokenCount>>>;

export const tokenCountsStore = createStore<TokenCountsState>(() => ({}));

const restMs = 250;

/** Keeps the counts up with the form; returns the end of it. */
export function followTokenCounts(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let newest = 0;
  let asked = '';

  const ask = async (): Promise<void> => {
    const form = formStore.getState();
    const { modelId } = form;
    if (modelId === null) return;
    const order = ++newest;
    asked = signature(form);
    const texts = countedFields.map((field) => form[field]);
    try {
      const { counts } = await callCore('prompts.count', { modelId, texts, syntax: form.promptSyntax });
      if (order !== newest) return;
      tokenCountsStore.setState(Object.fromEntries(countedFields.map((field, index) => [field, counts[index]])), true);
    } catch {
      // A count is an aid: where there is none, the place stays empty.
      if (order === newest) tokenCountsStore.setState({}, true);
    }
  };
  const askSoon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void ask(), restMs);
  };

  askSoon();
  const stopForm = formStore.subscribe((form) => {
    if (signature(form) !== asked) askSoon();
  });
  // After a lost connection the answer may be another.
  const stopApp = appStore.subscribe((app, before) => {
    if (app.link === 'open' && before.link !== 'open') askSoon();
  });
  return () => {
    clearTimeout(timer);
    newest++;
    stopForm();
    stopApp();
  };
}

function signature(form: FormState): string {
  return JSON.stringify([form.modelId, form.promptSyntax, ...countedFields.map((field) => form[field])]);
}
