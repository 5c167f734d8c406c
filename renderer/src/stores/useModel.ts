import { useStore } from 'zustand';
import type { Model } from '../../../shared/models.ts';
import { appStore } from './app.ts';
import { formStore } from './form.ts';
import { currentModel } from './models.ts';

/** The model the form is turned to, or null while it is unknown. */
export function useModel(): Model | null {
  const modelId = useStore(formStore, (form) => form.modelId);
  return useStore(appStore, (state) => currentModel(state, modelId));
}
