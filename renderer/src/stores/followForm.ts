import { appStore } from './app.ts';
import { formStore, type FormState } from './form.ts';

/** What core is asked about the form, again and again. */
export interface FormQuestion<Answer> {
  /** How long the form must rest before core is asked. */
  readonly restMs: number;
  /** All that the answer depends on; what else is typed asks nothing. */
  readonly about: (form: FormState) => unknown;
  /** @returns null: there is nothing to ask */
  readonly ask: (form: FormState) => Promise<Answer> | null;
  /** Null: there is no answer, also when core has none: a form that is not finished is no failure. */
  readonly take: (answer: Answer | null) => void;
}

/** Keeps an answer up with the form; the answer before stays until the new one is there. Returns the end of it. */
export function followForm<Answer>({ restMs, about, ask, take }: FormQuestion<Answer>): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let newest = 0;
  let asked = '';
  const signature = (form: FormState): string => JSON.stringify(about(form));

  const askNow = async (): Promise<void> => {
    const form = formStore.getState();
    const order = ++newest;
    asked = signature(form);
    const answer = await Promise.resolve(ask(form)).catch(() => null);
    if (order === newest) take(answer);
  };
  const askSoon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void askNow(), restMs);
  };

  askSoon();
  const stopForm = formStore.subscribe((form) => {
    if (signature(form) !== asked) askSoon();
  });
  // With other models, or after a lost connection, the answer may be another.
  const stopApp = appStore.subscribe((app, before) => {
    if (app.models !== before.models || (app.link === 'open' && before.link !== 'open')) askSoon();
  });
  return () => {
    clearTimeout(timer);
    newest++;
    stopForm();
    stopApp();
  };
}
