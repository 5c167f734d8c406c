import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Forecast, Model } from '../../../shared/models.ts';
import { fakeCore, type FakeCore } from '../testing/fakeCore.ts';
import { model } from '../testing/samples.ts';
import { appStore } from './app.ts';
import { followForecast, forecastStore } from './forecast.ts';
import { formStore, setForm } from './form.ts';
import { chooseModel } from './models.ts';

const checkpoint: Model = { ...model, id: 'ckpt', builtIn: false, origin: 'checkpoint' };
const forecast: Forecast = { needBytes: 2e9, freeBytes: 8e9, totalBytes: 16e9, policy: 'keep', tiledVae: false, verdict: 'fits', parts: [] };

let end = (): void => undefined;
let core: FakeCore;

beforeEach(() => {
  vi.useFakeTimers();
  formStore.setState(formStore.getInitialState(), true);
  forecastStore.setState({ forecast: null });
  appStore.setState({ models: [model, checkpoint] });
  core = fakeCore({ 'memory.forecast': () => forecast });
});

afterEach(() => {
  end();
  vi.useRealTimers();
});

async function follow(chosen: Model): Promise<void> {
  chooseModel(chosen);
  setForm({ prompt: 'a red house' });
  end = followForecast();
  await vi.advanceTimersByTimeAsync(600);
}

describe('the forecast', () => {
  it('is for a model that is not built in', async () => {
    await follow(checkpoint);
    expect(forecastStore.getState().forecast).toEqual(forecast);
    chooseModel(model);
    await vi.advanceTimersByTimeAsync(600);
    expect(forecastStore.getState().forecast).toBeNull();
    expect(core.asked).toHaveLength(1);
  });

  it('is asked for anew by what memory depends on, once for many keys, and by nothing else', async () => {
    await follow(checkpoint);
    setForm({ prompt: 'a blue house' });
    await vi.advanceTimersByTimeAsync(600);
    expect(core.asked).toHaveLength(1);
    for (const width of ['2', '25', '256']) setForm({ width });
    await vi.advanceTimersByTimeAsync(600);
    expect(core.asked).toHaveLength(2);
  });

  it('is gone where core has none', async () => {
    await follow(checkpoint);
    fakeCore();
    setForm({ height: '64' });
    await vi.advanceTimersByTimeAsync(600);
    expect(forecastStore.getState().forecast).toBeNull();
  });
});
