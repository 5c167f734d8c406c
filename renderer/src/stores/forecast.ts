import { createStore } from 'zustand/vanilla';
import type { Forecast } from '../../../shared/models.ts';
import { appStore } from './app.ts';
import { callCore } from './core.ts';
import { formStore, type FormState } from './form.ts';
import { toRequest } from './formRequest.ts';
import { currentModel } from './models.ts';

/** What a run of the form would take; null: unknown, or not worth a word. */
export const forecastStore = createStore<{ readonly forecast: Forecast | null }>(() => ({ forecast: null }));

const restMs = 500;

/** Keeps the forecast up with the form; returns the end of it. */
export function followForecast(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let newest = 0;
  let asked = '';

  const ask = async (): Promise<void> => {
    const form = formStore.getState();
    const model = currentModel(appStore.getState(), form.modelId);
    const order = ++newest;
    asked = signature(form);
    // The built-in one fits anywhere.
    if (model === null || model.builtIn) {
      forecastStore.setState({ forecast: null });
      return;
    }
    try {
      const forecast = await callCore('memory.forecast', { request: toRequest(form, model, '0') });
      if (order === newest) forecastStore.setState({ forecast });
    } catch {
      // An aid: a form that is not finished has no forecast.
      if (order === newest) forecastStore.setState({ forecast: null });
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

/** What memory depends on. */
function signature(form: FormState): string {
  return JSON.stringify([form.modelId, form.task, form.width, form.height, form.count, form.together, form.morePrompts.length, form.image]);
}
