import { createStore } from 'zustand/vanilla';
import type { TokenCount } from '../../../shared/job.ts';
import { callCore } from './core.ts';
import { followForm } from './followForm.ts';
import type { FormState } from './form.ts';

export const countedFields = ['prompt', 'negativePrompt', 'prompt2', 'negativePrompt2'] as const;
export type CountedField = (typeof countedFields)[number];

/** How the model's tokenizer saw the texts when it was last asked; the numbers before stay until new ones are there. */
export type TokenCountsState = Readonly<Partial<Record<CountedField, TokenCount>>>;

export const tokenCountsStore = createStore<TokenCountsState>(() => ({}));

/** Keeps the counts up with the form; returns the end of it. */
export function followTokenCounts(): () => void {
  return followForm({
    restMs: 250,
    about: (form) => [form.modelId, form.promptSyntax, ...textsOf(form)],
    ask: (form) => (form.modelId === null ? null : callCore('prompts.count', { modelId: form.modelId, texts: textsOf(form), syntax: form.promptSyntax })),
    take: (answer) => tokenCountsStore.setState(answer === null ? {} : Object.fromEntries(countedFields.map((field, index) => [field, answer.counts[index]])), true),
  });
}

function textsOf(form: FormState): string[] {
  return countedFields.map((field) => form[field]);
}
