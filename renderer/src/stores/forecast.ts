import { createStore } from 'zustand/vanilla';
import type { Forecast } from '../../../shared/models.ts';
import { appStore } from './app.ts';
import { callCore } from './core.ts';
import { followForm } from './followForm.ts';
import { toRequest } from './formRequest.ts';
import { currentModel } from './models.ts';

/** What a run of the form would take; null: unknown, or not worth a word. */
export const forecastStore = createStore<{ readonly forecast: Forecast | null }>(() => ({ forecast: null }));

/** Keeps the forecast up with the form; returns the end of it. */
export function followForecast(): () => void {
  return followForm<Forecast>({
    restMs: 500,
    // What memory depends on.
    about: ({ modelId, task, width, height, count, together, morePrompts, image }) => [modelId, task, width, height, count, together, morePrompts.length, image],
    ask: (form) => {
      const model = currentModel(appStore.getState(), form.modelId);
      // The built-in one fits anywhere.
      return model === null || model.builtIn ? null : callCore('memory.forecast', { request: toRequest(form, model, '0') });
    },
    take: (forecast) => forecastStore.setState({ forecast }),
  });
}
