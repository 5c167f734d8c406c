import { createStore } from 'zustand/vanilla';
import type { Model } from '../../../shared/contract.ts';
import { guidedSteps, schedulerIds, type GenerationRequest, type SchedulerId } from '../../../shared/generation.ts';

/** The form as it is typed. Numbers are text, so that what cannot be read yet is shown and not changed. */
export interface FormState {
  readonly modelId: string | null;
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly negativeOpen: boolean;
  readonly steps: string;
  readonly guidanceScale: string;
  /** Guided steps; null: never off. */
  readonly cutoff: number | null;
  readonly scheduler: SchedulerId;
  readonly seed: string;
  /** Each run takes a new seed. */
  readonly randomSeed: boolean;
  readonly width: string;
  readonly height: string;
  readonly count: string;
}

export const initialForm: FormState = {
  modelId: null,
  prompt: '',
  negativePrompt: '',
  negativeOpen: false,
  steps: '20',
  guidanceScale: '7',
  cutoff: null,
  scheduler: 'dpmpp_2m_karras',
  seed: '',
  randomSeed: true,
  width: '512',
  height: '512',
  count: '1',
};

export const formStore = createStore<FormState>(() => initialForm);

export function setForm(change: Partial<FormState>): void {
  formStore.setState(change);
}

/** The settings a model is made for; prompt, seed and number of pictures are the user's. */
export function formForModel(model: Model): Partial<FormState> {
  return {
    modelId: model.id,
    steps: String(model.steps),
    guidanceScale: String(model.guidanceScale),
    scheduler: model.scheduler,
    width: String(model.width),
    height: String(model.height),
    cutoff: null,
  };
}

/** All settings of a finished picture; the seed stays with it. */
export function formFromRequest(request: GenerationRequest): Partial<FormState> {
  const guided = guidedSteps(request.guidanceEnd, request.steps);
  return {
    modelId: request.modelId,
    prompt: request.prompt,
    negativePrompt: request.negativePrompt ?? '',
    negativeOpen: request.negativePrompt !== null,
    steps: String(request.steps),
    guidanceScale: String(request.guidanceScale),
    cutoff: guided >= request.steps ? null : guided,
    scheduler: request.scheduler,
    seed: request.seed,
    randomSeed: false,
    width: String(request.width),
    height: String(request.height),
  };
}

/** The form as saved by an earlier run of the app: a field that is not of its type keeps its default. */
export function readSavedForm(saved: Readonly<Record<string, unknown>>): Partial<FormState> {
  const read: Record<string, unknown> = {};
  for (const [key, initial] of Object.entries(initialForm)) {
    if (Object.hasOwn(saved, key) && isLike(key, saved[key], initial)) read[key] = saved[key];
  }
  return read as Partial<FormState>;
}

function isLike(key: string, value: unknown, initial: unknown): boolean {
  if (key === 'scheduler') return schedulerIds.some((id) => id === value);
  if (key === 'cutoff') return value === null || (typeof value === 'number' && Number.isInteger(value) && value >= 0);
  if (key === 'modelId') return value === null || typeof value === 'string';
  return typeof value === typeof initial;
}
