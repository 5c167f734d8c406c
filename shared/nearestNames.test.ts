import { expect, it } from 'vitest';
import { editDistance, nearestNames } from './nearestNames.ts';

it.each([
  ['', '', 0],
  ['kitten', 'sitting', 3],
  ['ink', 'ink', 0],
  ['ink', '', 3],
  ['flaw', 'lawn', 2],
])('%s and %s are %i apart', (a, b, distance) => {
  expect(editDistance(a, b)).toBe(distance);
  expect(editDistance(b, a)).toBe(distance);
});

it('names what a person may have meant, nearest first', () => {
  const names = ['ink-v2', 'Ink_V1', 'watercolour', 'detail tweaker XL', 'pixel'];
  expect(nearestNames('ink v1', names)).toEqual(['Ink_V1', 'ink-v2']);
  expect(nearestNames('detailtweaker', names)).toEqual(['detail tweaker XL']);
  expect(nearestNames('watercolor', names)).toEqual(['watercolour']);
  expect(nearestNames('something else', names)).toEqual([]);
  expect(nearestNames('a', Array.from({ length: 9 }, (_, index) => `a${index}`))).toHaveLength(3);
});

it('takes no time for long names', () => {
  const begun = performance.now();
  nearestNames('x'.repeat(200), Array.from({ length: 2_000 }, (_, index) => `${index}`.repeat(60)));
  expect(performance.now() - begun).toBeLessThan(2_000);
});
