import type { GuidanceEnd, Reuse } from '../../../shared/generation.ts';
import type { Steering } from '../../../shared/job.ts';
import { schedulerLabels, sigmaScheduleLabels, timestepSpacingLabels } from '../../../shared/samplers.ts';
import type { Text } from './useText.ts';

/**
 * What was done to a run, each part in a few words. Its pace is no part of the picture and is left out.
 * @param texts how prompts appear: by their name alone, as nothing but their words, or both
 */
export function steeringParts(steering: Steering, { t, format }: Text, texts: 'named' | 'quoted' | 'whole'): readonly string[] {
  const { prompt, negativePrompt, guidanceScale, guidanceEnd, guidanceCurve, guidanceInterval, guidanceRescale, noiseSeed, tail, reuse, loras } = steering;
  const quoted = (text: string): string => (text.trim() === '' ? t('steering.emptyPrompt') : text);
  const parts: (string | null)[] = [
    prompt === undefined
      ? null
      : { named: t('steering.promptBrief'), quoted: t('steering.quoted', { text: quoted(prompt) }), whole: t('steering.prompt', { text: quoted(prompt) }) }[texts],
    negativePrompt === undefined
      ? null
      : negativePrompt === null
        ? t('steering.noNegativePrompt')
        : texts !== 'named'
          ? t('steering.negativePrompt', { text: quoted(negativePrompt) })
          : t('steering.negativePromptBrief'),
    guidanceScale === undefined ? null : t('steering.guidanceScale', { scale: format.number(guidanceScale) }),
    guidanceEnd === undefined ? null : endText(guidanceEnd, { t, format }),
    guidanceCurve === undefined ? null : guidanceCurve.kind === 'constant' ? t('steering.curveConstant') : t('steering.curve'),
    guidanceInterval === undefined
      ? null
      : guidanceInterval === null
        ? t('steering.intervalAll')
        : t('steering.interval', { low: format.number(guidanceInterval.sigmaLow), high: format.number(guidanceInterval.sigmaHigh) }),
    guidanceRescale === undefined ? null : t('steering.rescale', { value: format.number(guidanceRescale) }),
    noiseSeed === undefined ? null : t('steering.noiseSeed', { seed: noiseSeed }),
    tail === undefined ? null : t('steering.tail', { count: tail.steps }),
    tail?.scheduler === undefined ? null : schedulerLabels[tail.scheduler],
    tail?.sigmaSchedule === undefined ? null : sigmaScheduleLabels[tail.sigmaSchedule],
    tail?.timestepSpacing === undefined ? null : timestepSpacingLabels[tail.timestepSpacing],
    reuse === undefined ? null : reuseText(reuse, { t, format }),
    ...(loras ?? []).map(({ name, strength, curve }) =>
      curve === undefined || curve.kind === 'constant' ? t('steering.lora', { name, strength: format.number(strength) }) : t('steering.loraCurve', { name }),
    ),
  ];
  return parts.filter((part) => part !== null);
}

function endText(end: GuidanceEnd, { t, format }: Text): string {
  switch (end.kind) {
    case 'never':
      return t('steering.guidanceNever');
    case 'guided-steps':
      return end.steps === 0 ? t('steering.guidanceNone') : t('steering.guidanceUntil', { step: end.steps });
    case 'ratio':
      return t('steering.guidanceRatio', { percent: format.percent(end.ratio) });
    case 'evidence':
      return t('steering.guidanceEvidence', { cosine: format.number(end.cosine, 4) });
  }
}

function reuseText(reuse: Reuse, { t, format }: Text): string {
  switch (reuse.kind) {
    case 'none':
      return t('steering.reuseNone');
    case 'unconditional':
      return t('steering.reuseUnconditional', { count: reuse.every });
    case 'features':
      return t('steering.reuseFeatures', { count: reuse.every });
    case 'steps':
      return t('steering.reuseSteps', { threshold: format.number(reuse.threshold, 4) });
  }
}
