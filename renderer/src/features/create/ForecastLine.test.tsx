import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Forecast } from '../../../../shared/models.ts';
import { startLanguage } from '../../i18n/i18n.ts';
import { forecastStore } from '../../stores/forecast.ts';
import { viewStore } from '../../stores/view.ts';
import { ForecastLine } from './ForecastLine.tsx';

beforeAll(() => startLanguage('en'));
beforeEach(() => forecastStore.setState({ forecast: null }));
afterEach(cleanup);

const forecast: Forecast = { needBytes: 5.2e9, freeBytes: 8e9, totalBytes: 16e9, policy: 'keep', tiledVae: false, verdict: 'fits', parts: [] };

describe('the forecast of memory', () => {
  it('is not there where there is none', () => {
    const { container } = render(<ForecastLine />);
    expect(container.textContent).toBe('');
  });

  it.each([
    [{ verdict: 'fits' }, 'Needs about 5.2 GB of 8 GB free'],
    [{ verdict: 'tight', policy: 'release' }, 'Tight: needs about 5.2 GB of 8 GB free · parts are released after use'],
    [{ verdict: 'too-much', freeBytes: 2e9, policy: 'release', tiledVae: true }, 'Likely too much: needs about 5.2 GB, 2 GB are free · parts are released after use · decoded in tiles'],
  ] satisfies [Partial<Forecast>, string][])('says %j in words', (change, text) => {
    render(<ForecastLine />);
    act(() => forecastStore.setState({ forecast: { ...forecast, ...change } }));
    const line = screen.getByTestId('forecast');
    expect(line.textContent).toBe(text);
    expect(line.dataset['verdict']).toBe(change.verdict);
    fireEvent.click(line);
    expect(viewStore.getState().dialog).toBe('devices');
  });
});
