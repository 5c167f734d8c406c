import { assertNever } from '../../../shared/errors.ts';
import type { GuidanceEnd, Reuse, SteeringEntry } from '../../../shared/generation.ts';
import type { RunMark } from '../stores/runMarks.ts';
import type { Text } from './useText.ts';

/** Longer texts are cut in a tooltip. */
const mostLetters = 80;

/** What was done to a run at one place, in a few words each. */
export function markTexts(marks: readonly RunMark[], text: Text): readonly string[] {
  return marks.flatMap((mark) => markText(mark, text));
}

function markText(mark: RunMark, { t, format }: Text): readonly string[] {
  switch (mark.kind) {
    case 'forked':
      return [t('marks.forked')];
    case 'halted': {
      const { kind, reason } = mark.halt;
      return [kind === 'paused' && reason !== null ? t('marks.pausedWhy', { why: t(`run.pausedWhy.${reason}`) }) : t(`marks.${kind}`)];
    }
    case 'steered':
      return steeringTexts(mark.steering, { t, format });
    default:
      return assertNever(mark);
  }
}

/** Each change of a steering in a few words. */
export function steeringTexts(steering: SteeringEntry['steering'], { t, format }: Text): readonly string[] {
  const { guidanceScale, guidanceEnd, guidanceRescale, prompt, negativePrompt, tail, reuse } = steering;
  return [
    guidanceScale === undefined ? null : t('marks.scale', { scale: format.number(guidanceScale) }),
    guidanceEnd === undefined ? null : endText(guidanceEnd, { t, format }),
    steering.guidanceCurve === undefined ? null : t('marks.curve'),
    steering.guidanceInterval === undefined ? null : t('marks.interval'),
    guidanceRescale === undefined ? null : t('marks.rescale', { value: format.number(guidanceRescale) }),
    prompt === undefined ? null : t('marks.prompt', { prompt: short(prompt) }),
    negativePrompt === undefined ? null : negativeText(negativePrompt, t),
    steering.noiseSeed === undefined ? null : t('marks.noiseSeed'),
    tail === undefined ? null : t('marks.tail', { count: tail.steps }),
    reuse === undefined ? null : reuseText(reuse, t),
  ].filter((line) => line !== null);
}

function endText(end: GuidanceEnd, { t, format }: Text): string {
  switch (end.kind) {
    case 'never':
      return t('marks.endNever');
    case 'guided-steps':
      return end.steps === 0 ? t('marks.endOff') : t('marks.endAt', { step: end.steps });
    case 'ratio':
      return t('marks.endRatio', { percent: format.percent(end.ratio) });
    case 'evidence':
      return t('marks.endEvidence');
    default:
      return assertNever(end);
  }
}

function negativeText(negative: string | null, t: Text['t']): string {
  return negative === null || negative === '' ? t('marks.noNegative') : t('marks.negativePrompt', { prompt: short(negative) });
}

function reuseText(reuse: Reuse, t: Text['t']): string {
  switch (reuse.kind) {
    case 'none':
      return t('marks.reuseNone');
    case 'unconditional':
      return t('marks.reuseUnconditional', { every: reuse.every });
    case 'steps':
      return t('marks.reuseSteps');
    default:
      return assertNever(reuse);
  }
}

function short(text: string): string {
  return text.length <= mostLetters ? text : `${text.slice(0, mostLetters - 1)}…`;
}
