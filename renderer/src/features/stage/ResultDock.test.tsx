import { cleanup, render, screen } from '@testing-library/react';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { startLanguage } from '../../i18n/i18n.ts';
import { picture } from '../../testing/samples.ts';
import { ResultDock } from './ResultDock.tsx';

beforeAll(() => startLanguage('en'));
afterEach(cleanup);

const savingsOf = (change: Parameters<typeof picture>[1]): string | null => {
  render(<ResultDock picture={picture('p', change)} job={null} />);
  return screen.getByTestId('savings').textContent;
};

it('says that every step was guided', () => {
  expect(savingsOf({})).toBe('every step guided');
});

it('says what was saved', () => {
  expect(savingsOf({ unetEvaluationsTotal: 30, unetEvaluationsSaved: 10 })).toBe('10 evaluations saved (25%)');
});

it('says what was run of the outermost layers alone, which is not called saved', () => {
  expect(savingsOf({ unetEvaluationsTotal: 16, unetEvaluationsShallow: 24 })).toBe('24 evaluations of the outermost layers alone');
});
