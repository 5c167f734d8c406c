import { describe, expect, it } from 'vitest';
import { parseGenerationRequest } from '../../../shared/generation.ts';
import type { SchedulerId } from '../../../shared/samplers.ts';
import { loadScheduler } from '../schedulers/registry.ts';
import { tinyRequest } from '../testing/engineRig.ts';
import { stepWindow } from './window.ts';

type Part = Parameters<typeof stepWindow>[0];
const part = (change: Partial<Part>): Part => ({ ...tinyRequest, task: 'image-to-image', ...change });
const config = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear', skip_prk_steps: true, steps_offset: 1 };

function windowOf(change: Partial<Part>, steps = 10, scheduler: SchedulerId = 'euler', timesteps?: readonly number[]) {
  const loaded = loadScheduler(scheduler, config);
  const plan = loaded.plan(steps, timesteps === undefined ? {} : { timesteps });
  const stepper = loaded.scheduler.createStepper(loaded.config, plan);
  const { begin, end } = stepWindow(part(change), plan, stepper, loaded.config.numTrainTimesteps);
  return [begin, end];
}

describe('strength', () => {
  it('leaves out the first steps, in double precision', () => {
    expect(windowOf({ strength: 0.5 })).toEqual([5, 10]);
    expect(windowOf({ strength: 1 })).toEqual([0, 10]);
    // 50 * 0.58 is 28.999...
    expect(windowOf({ strength: 0.58 }, 50)).toEqual([22, 50]);
    expect(windowOf({ strength: 0.9999 })).toEqual([1, 10]);
  });

  it('counts both calls of a step', () => {
    expect(windowOf({ strength: 0.5 }, 10, 'heun')).toEqual([10, 19]);
    expect(windowOf({ strength: 0.5 }, 10, 'pndm')).toEqual([5, 11]);
  });

  it('counts the entries of a list that was given', () => {
    expect(windowOf({ strength: 0.5 }, 50, 'euler', [900, 700, 500, 300])).toEqual([2, 4]);
  });

  it.each([[0.05, 10, 'euler', '0.1'], [0.01, 50, 'ddim', '0.02'], [0.1, 7, 'heun', '0.15'], [0.8, 1, 'pndm', '1']] as const)(
    'of %f with %i steps of %s is too little; %s is enough',
    (strength, steps, scheduler, least) => {
      const refused = { code: 'INVALID_INPUT', field: 'strength', nextStep: expect.stringContaining(`to ${least} or more`) as unknown };
      expect(() => windowOf({ strength }, steps, scheduler)).toThrow(expect.objectContaining(refused) as Error);
      const [begin = 0, end = 0] = windowOf({ strength: Number(least) }, steps, scheduler);
      expect(end - begin).toBeGreaterThan(0);
    },
  );

  it('means nothing to text-to-image', () => {
    expect(windowOf({ task: 'text-to-image', strength: 0.1 })).toEqual([0, 10]);
  });
});

describe('shares of the schedule', () => {
  it('begin below the timestep they stand for, whatever the strength', () => {
    // Timesteps 999, 888, 777, ... 0: below 400 lie 333, 222, 111, 0.
    expect(windowOf({ denoisingStart: 0.6, strength: 0.01 })).toEqual([6, 10]);
    expect(windowOf({ denoisingEnd: 0.6, task: 'text-to-image' })).toEqual([0, 6]);
    expect(windowOf({ denoisingStart: 0.3, denoisingEnd: 0.6 })).toEqual([3, 6]);
  });

  it('never begin between the two calls of a step', () => {
    const [begin = 0, end = 0] = windowOf({ denoisingStart: 0.6 }, 10, 'heun');
    expect((end - begin) % 2).toBe(1);
    expect(begin % 2).toBe(0);
  });

  it('that leave nothing are refused', () => {
    expect(() => windowOf({ denoisingStart: 0.9999 }, 4, 'ddim')).toThrow(/denoisingStart: No step/);
    expect(() => windowOf({ denoisingStart: 0.6, denoisingEnd: 0.61 })).toThrow(/denoisingEnd: No step/);
  });
});

it('a request cannot end before it starts', () => {
  const change = { task: 'image-to-image', image: { id: 'a'.repeat(64), width: 8, height: 8 }, denoisingStart: 0.5, denoisingEnd: 0.5 };
  expect(() => parseGenerationRequest({ ...tinyRequest, ...change })).toThrow(/denoisingEnd/);
});
