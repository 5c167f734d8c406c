import type { Model } from '../../../shared/models.ts';
import type { AppState } from './app.ts';
import { formForModel, formStore, setForm } from './form.ts';
import { sidesForModel } from './pictureSize.ts';

/** The model the form names, or null while it is unknown. */
export function currentModel(state: AppState, modelId: string | null): Model | null {
  return state.models.find((model) => model.id === modelId) ?? null;
}

/** Turns the form to a model, with the settings the model is made for; a start picture keeps its shape. */
export function chooseModel(model: Model): void {
  const { task, image } = formStore.getState();
  const size = task === 'text-to-image' || image === null ? null : sidesForModel(image, model);
  setForm({ ...formForModel(model), ...(size === null ? {} : { width: String(size.width), height: String(size.height) }) });
}

/** Keeps the form on a model that exists. */
export function settleModel(models: readonly Model[]): void {
  const first = models[0];
  const { modelId } = formStore.getState();
  if (first === undefined || models.some((model) => model.id === modelId)) return;
  chooseModel(first);
}
