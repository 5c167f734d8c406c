import { beforeEach, describe, expect, it } from 'vitest';
import { model } from '../testing/samples.ts';
import { advancedSettings, changedSettings, isAdvanced, resetSettings } from './advanced.ts';
import { formStore, initialForm, setForm, type FormState } from './form.ts';

beforeEach(() => formStore.setState(initialForm, true));

const ids = (change: Partial<FormState>, on = model): string[] => changedSettings({ ...initialForm, ...change }, on).map(({ id }) => id);

describe('advanced settings', () => {
  it('are as they are by default at first', () => {
    expect(ids({})).toEqual([]);
  });

  it('are told when they differ', () => {
    expect(ids({ clipSkip: '2', sigmaLow: '1', morePrompts: ['x'] })).toEqual(['guidanceInterval', 'clipSkip', 'morePrompts']);
  });

  it('do not differ by what is not in force', () => {
    expect(ids({ sms: '1', guidanceTo: '5', timesteps: '  ' })).toEqual([]);
  });

  it('are not told where they are not on screen', () => {
    expect(ids({ eta: '1', scheduler: 'euler' })).toEqual([]);
    expect(ids({ eta: '1', scheduler: 'ddim' })).toEqual(['eta']);
    expect(ids({ prompt2: 'x', denoisingEnd: '0.8' })).toEqual([]);
    expect(ids({ prompt2: 'x', denoisingEnd: '0.8' }, { ...model, family: 'sdxl' })).toEqual(['prompt2', 'shares']);
  });

  it('go back with all that belongs to them, and nothing else', () => {
    setForm({ noise: 'torch-cuda', sms: '1', clipSkip: '2', prompt: 'kept' });
    resetSettings(advancedSettings.filter(({ id }) => id === 'noise'));
    expect(formStore.getState()).toEqual({ ...initialForm, clipSkip: '2', prompt: 'kept' });
  });

  it('know their fields', () => {
    expect(isAdvanced('threadsPerSm')).toBe(true);
    expect(isAdvanced('steps')).toBe(false);
  });
});
