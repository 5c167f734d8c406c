import { describe, expect, it } from 'vitest';
import { request } from '../testing/samples.ts';
import { guidanceErrors, guidanceFields, guidanceSteering } from './forkGuidance.ts';
import { readInterval } from './typedGuidance.ts';

const fields = guidanceFields(request);

describe('the guidance of a fork', () => {
  it('is nothing when nothing is changed', () => {
    expect(guidanceSteering(fields, {})).toEqual({});
    expect(guidanceErrors(fields)).toEqual({});
  });

  it('reads an interval with one end, and an empty one as none', () => {
    expect(readInterval({ sigmaLow: '', sigmaHigh: '' })).toBeNull();
    expect(readInterval({ sigmaLow: '', sigmaHigh: '5,4' })).toEqual({ sigmaLow: 0, sigmaHigh: 5.4 });
    expect(readInterval({ sigmaLow: '0.3', sigmaHigh: '' })).toEqual({ sigmaLow: 0.3, sigmaHigh: 10_000 });
    const limited = guidanceFields({ ...request, guidanceInterval: { sigmaLow: 1, sigmaHigh: 5 } });
    expect(limited).toMatchObject({ sigmaLow: '1', sigmaHigh: '5' });
    expect(guidanceSteering({ ...limited, sigmaLow: '', sigmaHigh: '' }, { sigmaLow: '', sigmaHigh: '' })).toEqual({ guidanceInterval: null });
  });

  it('says what cannot be sent', () => {
    expect(guidanceErrors({ ...fields, sigmaLow: '6', sigmaHigh: '5', guidanceRescale: '1.5', reuse: 'steps', reuseMost: '9' })).toEqual({
      interval: 'interval',
      guidanceRescale: 'share',
      reuse: 'reuseSteps',
    });
    expect(guidanceErrors({ ...fields, reuse: 'unconditional', reuseEvery: '1' })).toEqual({ reuse: 'reuseEvery' });
  });

  it('sends what is used again as a whole', () => {
    expect(guidanceSteering({ ...fields, reuse: 'steps', reuseThreshold: '0.2' }, { reuse: 'steps', reuseThreshold: '0.2' })).toEqual({
      reuse: { kind: 'steps', threshold: 0.2, most: 2 },
    });
  });
});
