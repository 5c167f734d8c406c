import { timestepSpacingLabels } from '../../../shared/samplers.ts';
import type { AdvancedId } from '../stores/advanced.ts';
import type { FormState } from '../stores/form.ts';
import { readNumberList } from '../stores/readText.ts';
import type { Text } from './useText.ts';

/** Settings whose value is too long for a line that lists several. */
const long: readonly AdvancedId[] = ['prompt2', 'negativePrompt2', 'micro', 'negativeMicro', 'aesthetic', 'guidanceInterval', 'timesteps', 'sigmas', 'morePrompts'];

/** A changed setting in a few words: its name and, where that is short, its value. */
export function settingText(id: AdvancedId, form: FormState, t: Text['t']): string {
  const name = t(`advanced.${id}`);
  if (long.includes(id)) return name;
  const value = id === 'noise' ? t(`advanced.noiseKind.${form.noise}`) : settingValue(id, form, t);
  return t('advanced.nameValue', { name, value });
}

/** The value of a changed setting as the page writes it. */
export function settingValue(id: AdvancedId, form: FormState, t: Text['t']): string {
  switch (id) {
    case 'guidanceCurve':
      return curveText(form, t);
    case 'reuse':
      return reuseText(form, t);
    case 'guidanceInterval':
      return between(form.sigmaLow, '0', form.sigmaHigh, '∞');
    case 'timestepSpacing':
      return timestepSpacingLabels[form.timestepSpacing];
    case 'timesteps':
    case 'sigmas':
      return readNumberList(form[id])?.join(', ') ?? form[id];
    case 'promptSyntax':
      return t(`advanced.syntax.${form.promptSyntax}`);
    case 'morePrompts':
      return String(form.morePrompts.length);
    case 'noise':
      return noiseText(form, t);
    case 'batchSeeds':
      return t('advanced.batchShared');
    case 'shares':
      return between(form.denoisingStart, '0', form.denoisingEnd, '1');
    case 'micro':
      return sizesText([form.originalSize, form.targetSize, form.cropTopLeft], t);
    case 'negativeMicro':
      return sizesText([form.negativeOriginalSize, form.negativeTargetSize, form.negativeCropTopLeft], t);
    case 'aesthetic':
      return `${form.aestheticScore} / ${form.negativeAestheticScore}`;
    case 'guidanceRescale':
    case 'eta':
    case 'clipSkip':
    case 'prompt2':
    case 'negativePrompt2':
      return form[id];
  }
}

function between(low: string, noLow: string, high: string, noHigh: string): string {
  return `${low === '' ? noLow : low} – ${high === '' ? noHigh : high}`;
}

function curveText(form: FormState, t: Text['t']): string {
  const name = t(`advanced.curve.${form.guidanceCurve}`);
  if (form.guidanceCurve === 'list') return `${name} (${String(readNumberList(form.guidanceScales)?.length ?? '?')})`;
  if (form.guidanceCurve === 'points') return `${name} (${String(form.guidancePoints.length)})`;
  return `${name} → ${form.guidanceTo}`;
}

function reuseText(form: FormState, t: Text['t']): string {
  const name = t(`advanced.reuseKind.${form.reuse}`);
  return form.reuse === 'steps' ? `${name} (${form.reuseThreshold}, ${form.reuseMost})` : `${name} (${form.reuseEvery})`;
}

function noiseText(form: FormState, t: Text['t']): string {
  const kind = t(`advanced.noiseKind.${form.noise}`);
  return form.noise === 'torch-cuda' ? t('picture.cardOf', { kind, sms: form.sms, threads: form.threadsPerSm }) : kind;
}

const sizeKeys = ['advanced.originalSize', 'advanced.targetSize', 'advanced.cropTopLeft'] as const;

function sizesText(values: readonly string[], t: Text['t']): string {
  const parts = sizeKeys.flatMap((key, index) => {
    const value = values[index] ?? '';
    return value === '' ? [] : [t('advanced.nameValue', { name: t(key), value })];
  });
  return parts.join('; ');
}
