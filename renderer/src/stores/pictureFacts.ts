import { batchSize, type GenerationRequest } from '../../../shared/generation.ts';
import type { Picture } from '../../../shared/job.ts';
import { advancedSettings, isChanged, type AdvancedId } from './advanced.ts';
import { initialForm, type FormState } from './form.ts';
import { formFromRequest } from './formRequest.ts';

/** The prompt a picture was drawn from: of several, each has `imagesPerPrompt` pictures in a row. */
export function promptOf(picture: Picture): string {
  const { prompt, morePrompts, imagesPerPrompt } = picture.request;
  return [prompt, ...morePrompts][Math.floor(picture.batchIndex / imagesPerPrompt)] ?? prompt;
}

/** The seed with which the picture is drawn alone; in a batch on one stream, the seed of the batch. */
export function seedOf(picture: Picture): string {
  const { seed, batchSeeds } = picture.request;
  if (batchSeeds === 'shared' || picture.batchIndex === 0) return seed;
  return BigInt.asUintN(64, BigInt(seed) + BigInt(picture.batchIndex)).toString();
}

export function isOfBatch(picture: Picture): boolean {
  return batchSize(picture.request) > 1;
}

/** The settings of the Advanced section that differ from their defaults, and the form they stand in. */
export function changedOf(request: GenerationRequest): { readonly ids: readonly AdvancedId[]; readonly form: FormState } {
  const form: FormState = { ...initialForm, ...formFromRequest(request) };
  return { ids: advancedSettings.filter((setting) => isChanged(setting, form)).map(({ id }) => id), form };
}
