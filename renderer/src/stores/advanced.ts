import type { Model } from '../../../shared/models.ts';
import { initialForm, setForm, type FormState } from './form.ts';
import type { FormField } from './formFields.ts';
import { usesEta } from './stepPlan.ts';

/** A setting of the Advanced section: one mark, one reset, one part of the summary. */
export interface AdvancedSetting {
  /** Message key under `advanced.`. */
  readonly id: AdvancedId;
  /** Form fields that say whether it differs from its default. */
  readonly decides: readonly (keyof FormState)[];
  /** Further fields that belong to it. */
  readonly also: readonly (keyof FormState)[];
  /** Whether it is on screen, and so acts. */
  shown(form: FormState, model: Model | null): boolean;
}

export type AdvancedId =
  | 'guidanceCurve'
  | 'guidanceInterval'
  | 'guidanceRescale'
  | 'reuse'
  | 'timestepSpacing'
  | 'eta'
  | 'timesteps'
  | 'sigmas'
  | 'promptSyntax'
  | 'clipSkip'
  | 'morePrompts'
  | 'noise'
  | 'batchSeeds'
  | 'prompt2'
  | 'negativePrompt2'
  | 'micro'
  | 'negativeMicro'
  | 'aesthetic'
  | 'shares';

const always = (): boolean => true;
const ofSdxl = (_: FormState, model: Model | null): boolean => model?.family === 'sdxl';

/** In the order of the screen. */
export const advancedSettings: readonly AdvancedSetting[] = [
  { id: 'guidanceCurve', decides: ['guidanceCurve'], also: ['guidanceTo', 'guidanceScales', 'guidancePoints', 'guidanceSmooth'], shown: always },
  { id: 'guidanceInterval', decides: ['sigmaLow', 'sigmaHigh'], also: [], shown: always },
  { id: 'guidanceRescale', decides: ['guidanceRescale'], also: [], shown: always },
  { id: 'reuse', decides: ['reuse'], also: ['reuseEvery', 'reuseThreshold', 'reuseMost'], shown: always },
  { id: 'timestepSpacing', decides: ['timestepSpacing'], also: [], shown: always },
  { id: 'eta', decides: ['eta'], also: [], shown: (form) => usesEta(form.scheduler) },
  { id: 'timesteps', decides: ['timesteps'], also: [], shown: always },
  { id: 'sigmas', decides: ['sigmas'], also: [], shown: always },
  { id: 'promptSyntax', decides: ['promptSyntax'], also: [], shown: always },
  { id: 'clipSkip', decides: ['clipSkip'], also: [], shown: always },
  { id: 'morePrompts', decides: ['morePrompts'], also: [], shown: always },
  { id: 'noise', decides: ['noise'], also: ['sms', 'threadsPerSm'], shown: always },
  { id: 'batchSeeds', decides: ['batchSeeds'], also: [], shown: always },
  { id: 'prompt2', decides: ['prompt2'], also: [], shown: ofSdxl },
  { id: 'negativePrompt2', decides: ['negativePrompt2'], also: [], shown: (form, model) => ofSdxl(form, model) && form.negativeOpen },
  { id: 'micro', decides: ['originalSize', 'cropTopLeft', 'targetSize'], also: [], shown: ofSdxl },
  { id: 'negativeMicro', decides: ['negativeOriginalSize', 'negativeCropTopLeft', 'negativeTargetSize'], also: [], shown: ofSdxl },
  { id: 'aesthetic', decides: ['aestheticScore', 'negativeAestheticScore'], also: [], shown: ofSdxl },
  { id: 'shares', decides: ['denoisingStart', 'denoisingEnd'], also: [], shown: ofSdxl },
];

const advancedKeys: ReadonlySet<string> = new Set(advancedSettings.flatMap(({ decides, also }) => [...decides, ...also]));

/** Whether a field stands in the Advanced section, out of sight while it is closed. */
export function isAdvanced(field: FormField): boolean {
  // Callbacks are work of the user's own: they stand there too, but no reset takes them.
  return field === 'callbacks' || advancedKeys.has(field);
}

export function isChanged(setting: AdvancedSetting, form: FormState): boolean {
  return setting.decides.some((key) => !isSame(form[key], initialForm[key]));
}

function isSame(value: unknown, initial: unknown): boolean {
  if (Array.isArray(value) && Array.isArray(initial)) return value.length === initial.length && value.every((item, index) => item === initial[index]);
  return typeof value === 'string' && typeof initial === 'string' ? value.trim() === initial : value === initial;
}

/** Settings that act and differ from their defaults. */
export function changedSettings(form: FormState, model: Model | null): readonly AdvancedSetting[] {
  return advancedSettings.filter((setting) => setting.shown(form, model) && isChanged(setting, form));
}

export function resetSettings(settings: readonly AdvancedSetting[]): void {
  const keys = settings.flatMap(({ decides, also }) => [...decides, ...also]);
  setForm(Object.fromEntries(keys.map((key) => [key, initialForm[key]])));
}
