import type { GenerationRequest, Lora, LoraCurve } from '../../../shared/generation.ts';
import { maxLoraStrength } from '../../../shared/loraTags.ts';
import type { FormLora } from './form.ts';
import { readNumber } from './readText.ts';

/** What may be typed; the slider covers what is usual. */
export const loraRange = { min: -maxLoraStrength, max: maxLoraStrength };
export const loraSlider = { min: -2, max: 2, step: 0.05 };

/** How a strength runs over the steps; `own` are points that came with a picture. */
export const loraCourses = ['constant', 'fade-in', 'fade-out', 'first-half', 'second-half'] as const;

/** @returns null where it is no number in the range */
export function readStrength(text: string): number | null {
  const value = readNumber(text);
  return value !== null && Math.abs(value) <= maxLoraStrength ? value : null;
}

/** Whether a row can be sent. */
export function isGoodLora({ strength, textStrength }: FormLora): boolean {
  return readStrength(strength) !== null && (textStrength.trim() === '' || readStrength(textStrength) !== null);
}

type Points = Extract<LoraCurve, { kind: 'points' }>['points'];

function pointsOf(course: FormLora['course'], strength: number): Points | null {
  switch (course) {
    case 'constant':
    case 'own':
      return null;
    case 'fade-in':
      return [{ at: 0, strength: 0 }, { at: 1, strength }];
    case 'fade-out':
      return [{ at: 0, strength }, { at: 1, strength: 0 }];
    case 'first-half':
      return [{ at: 0.5, strength }, { at: 0.5, strength: 0 }];
    case 'second-half':
      return [{ at: 0.5, strength: 0 }, { at: 0.5, strength }];
  }
}

/** The request's list of a form without errors. */
export function lorasOf(loras: readonly FormLora[]): Lora[] {
  return loras.map(({ name, strength, textStrength, course, points }) => {
    const value = readStrength(strength) ?? 0;
    const run = course === 'own' ? [...points] : pointsOf(course, value);
    return { name, strength: value, textStrength: readStrength(textStrength), curve: run === null || run.length === 0 ? { kind: 'constant' } : { kind: 'points', points: run } };
  });
}

export function lorasFrom({ loras }: Pick<GenerationRequest, 'loras'>): FormLora[] {
  return loras.map(({ name, strength, textStrength, curve }) => {
    const points = curve.kind === 'constant' ? [] : curve.points;
    const course = curve.kind === 'constant' ? 'constant' : (loraCourses.find((known) => JSON.stringify(pointsOf(known, strength)) === JSON.stringify(points)) ?? 'own');
    return { name, strength: String(strength), textStrength: textStrength === null ? '' : String(textStrength), course, points: course === 'own' ? points : [] };
  });
}
