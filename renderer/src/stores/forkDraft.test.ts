import { describe, expect, it } from 'vitest';
import { emptySnapshot, type JobSnapshot } from '../../../shared/job.ts';
import { request, step } from '../testing/samples.ts';
import { addsNoise, forkBase, forkErrors, forkSteering, guidedOf, totalOf, variationsOf, withChange, type ForkChanges } from './forkDraft.ts';

const job: JobSnapshot = { ...emptySnapshot('a', request, 0), steps: Array.from({ length: 12 }, (_, index) => step(index)) };
const base = forkBase(job, 11, []);

const sent = (changes: ForkChanges, from = base) => forkSteering(from, withChange(from, {}, changes));

describe('what a branch is sent', () => {
  it('is nothing when nothing is changed, or changed back', () => {
    expect(sent({})).toEqual({});
    expect(sent({ prompt: request.prompt, guidanceScale: '4', stepsLeft: '8', negativePrompt: '' })).toEqual({});
    expect(withChange(base, { prompt: 'a dog' }, { prompt: request.prompt })).toEqual({});
  });

  it('is only what was changed', () => {
    expect(sent({ prompt: 'a dog' })).toEqual({ prompt: 'a dog' });
    expect(sent({ guidanceScale: '5,5', negativePrompt: 'blurry' })).toEqual({ guidanceScale: 5.5, negativePrompt: 'blurry' });
    expect(sent({ guided: 14 })).toEqual({ guidanceEnd: { kind: 'guided-steps', steps: 14 } });
  });

  it('plans the rest anew, and takes the cutoff against the new length', () => {
    expect(sent({ stepsLeft: '3' })).toEqual({ tail: { steps: 3 } });
    expect(sent({ scheduler: 'euler_a' })).toEqual({ tail: { steps: 8, scheduler: 'euler_a' } });
    expect(totalOf(base, { stepsLeft: '3' })).toBe(15);
    expect(sent({ stepsLeft: '3', guided: 15 })).toEqual({ tail: { steps: 3 }, guidanceEnd: { kind: 'never' } });
    // Heun calls the model twice a step.
    expect(totalOf(base, { scheduler: 'heun', stepsLeft: '4' })).toBe(12 + 7);
  });

  it('puts a scale in the place of a curve', () => {
    const curved = { ...job, request: { ...request, guidanceCurve: { kind: 'linear' as const, to: 1 } } };
    const from = forkBase({ ...curved, steps: job.steps.map((record) => ({ ...record, guidanceScale: 3 })) }, 11, []);
    expect(from.fields.guidanceScale).toBe('3');
    expect(sent({ guidanceScale: '6' }, from)).toEqual({ guidanceScale: 6, guidanceCurve: { kind: 'constant' } });
  });

  it('follows the rule of the run for the cutoff when its length changes', () => {
    const ratio = forkBase({ ...job, request: { ...request, guidanceEnd: { kind: 'ratio', ratio: 0.5 } } }, 3, []);
    expect(guidedOf(ratio, {})).toBe(11);
    expect(guidedOf(ratio, { stepsLeft: '36' })).toBe(21);
  });

  it('has a seed only where steps add noise', () => {
    expect(sent({ noiseSeed: '5' })).toEqual({});
    expect(sent({ noiseSeed: '5', scheduler: 'dpmpp_2m_sde' })).toEqual({ tail: { steps: 8, scheduler: 'dpmpp_2m_sde' }, noiseSeed: '5' });
    expect([addsNoise('ddim', 0), addsNoise('ddim', 0.5), addsNoise('tcd', 0.3), addsNoise('dpmpp_2m', 1), addsNoise('lcm', 0)]).toEqual([false, true, true, false, true]);
  });

  it('makes variations of later noise, each with a seed of its own', () => {
    expect(variationsOf({ prompt: 'a dog' }, 1)).toEqual([{ prompt: 'a dog' }]);
    expect(variationsOf({ noiseSeed: '18446744073709551615' }, 3).map(({ noiseSeed }) => noiseSeed)).toEqual(['18446744073709551615', '0', '1']);
    expect(variationsOf({}, 2, () => '7')).toEqual([{ noiseSeed: '7' }, { noiseSeed: '8' }]);
  });

  it('says what cannot be sent', () => {
    expect(forkErrors(base, {}, '1')).toEqual({});
    expect(forkErrors(base, { guidanceScale: '31', stepsLeft: '0', noiseSeed: 'x', scheduler: 'euler_a', sigmaSchedule: 'karras' }, '9')).toEqual({
      guidanceScale: 'scale',
      stepsLeft: 'steps',
      noiseSeed: 'seed',
      sigmaSchedule: 'schedule',
      variations: 'variations',
    });
  });
});
