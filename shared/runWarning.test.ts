import { expect, it } from 'vitest';
import { mostWarnings, type RunWarning, withWarning } from './runWarning.ts';

const warning = (message: string): RunWarning => ({ code: 'PROMPT_CUT', message });

it('each text is kept once, and the first of many', () => {
  const told = ['a', 'b', 'a', ...Array.from({ length: 40 }, (_, index) => `c${String(index)}`)].map(warning);
  const kept = told.reduce<RunWarning[]>(withWarning, []);
  expect(kept).toHaveLength(mostWarnings);
  expect(kept.slice(0, 4)).toEqual(['a', 'b', 'c0', 'c1'].map(warning));
});

it('nothing of the event it came with is kept beside it', () => {
  const event = { kind: 'warning', jobId: 'a', ...warning('a'), nextStep: 'b' } as const;
  expect(withWarning([], event)).toEqual([{ code: 'PROMPT_CUT', message: 'a', nextStep: 'b' }]);
});
