import { assertNever } from '../../../shared/errors.ts';
import type { RunMark } from '../stores/runMarks.ts';
import { steeringParts } from './steeringText.ts';
import type { Text } from './useText.ts';

/** Longer texts are cut in a tooltip. */
const mostLetters = 80;

/** What was done to a run at one place, in a few words each. */
export function markTexts(marks: readonly RunMark[], text: Text): readonly string[] {
  return marks.flatMap((mark) => markText(mark, text));
}

function markText(mark: RunMark, text: Text): readonly string[] {
  switch (mark.kind) {
    case 'forked':
      return [text.t('marks.forked')];
    case 'halted': {
      const { kind, reason } = mark.halt;
      return [kind === 'paused' && reason !== null ? text.t('marks.pausedWhy', { why: text.t(`run.pausedWhy.${reason}`) }) : text.t(`marks.${kind}`)];
    }
    case 'steered':
      return steeringParts(mark.steering, text, 'whole').map((part) => sentence(short(part)));
    default:
      return assertNever(mark);
  }
}

/** A line of its own. */
function sentence(text: string): string {
  return `${text.charAt(0).toLocaleUpperCase()}${text.slice(1)}`;
}

function short(text: string): string {
  return text.length <= mostLetters ? text : `${text.slice(0, mostLetters - 1)}…`;
}
