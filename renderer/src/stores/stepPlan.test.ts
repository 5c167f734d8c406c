import { describe, expect, it } from 'vitest';
import { emptySnapshot } from '../../../shared/job.ts';
import type { SchedulerId } from '../../../shared/samplers.ts';
import { model, request } from '../testing/samples.ts';
import { initialForm, type FormState } from './form.ts';
import { formPlan, jobSteps, leastStrength, planSteps, startsByShare, type WholeSchedule } from './stepPlan.ts';

const withPicture: FormState = { ...initialForm, task: 'image-to-image', image: { id: 'a'.repeat(64), width: 64, height: 64 } };

const whole = (scheduler: SchedulerId, asked: number, listed = false): WholeSchedule => ({ scheduler, asked, listed });

describe('steps at a strength', () => {
  // diffusers 0.42.1, get_timesteps of StableDiffusionImg2ImgPipeline: trunc in doubles, so 50 * 0.58 = 28.999.. gives 28.
  it.each([
    [20, 0.75, 15],
    [50, 0.58, 28],
    [10, 0.29, 2],
    [100, 0.29, 28],
    [20, 1, 20],
    [20, 0.05, 1],
    [20, 0.04, 0],
    [1, 0.99, 0],
  ])('%i steps at %f run %i', (asked, strength, run) => {
    expect(planSteps(whole('euler', asked), strength)).toEqual({ asked, run, calls: run });
  });

  it('call the model more often where the sampler does', () => {
    // diffusers, N = 10 at strength .5: Heun's loop has 9 iterations, PNDM's 6.
    expect(planSteps(whole('heun', 10), 0.5).calls).toBe(9);
    expect(planSteps(whole('pndm', 10), 0.5).calls).toBe(6);
    expect(planSteps(whole('dpm2_a', 10), 1).calls).toBe(19);
  });

  it('count the entries of a list, as diffusers does', () => {
    expect(planSteps(whole('euler', 4, true), 0.5)).toEqual({ asked: 4, run: 2, calls: 2 });
    // Five timesteps are nine calls of Heun; trunc(9 * .7) = 6 of them are kept, so (9 - 6) * 2 entries are left out.
    expect(planSteps(whole('heun', 5, true), 0.7)).toEqual({ asked: 5, run: 2, calls: 3 });
    expect(planSteps(whole('heun', 5, true), 0.5).calls).toBe(0);
    expect(leastStrength(whole('heun', 5, true))).toBe(0.56);
  });

  it.each([1, 2, 3, 7, 20, 49, 51, 100, 150, 500])('start at the least strength that is named, for %i', (asked) => {
    const least = leastStrength(whole('euler', asked));
    expect(planSteps(whole('euler', asked), least).run).toBeGreaterThanOrEqual(1);
    if (least > 0.01) expect(planSteps(whole('euler', asked), least - 0.01).run).toBe(0);
  });
});

describe('the steps of a job', () => {
  it('are planned until the engine has told them', () => {
    const job = emptySnapshot('a', { ...request, task: 'image-to-image', scheduler: 'heun', strength: 0.5 }, 0);
    expect(jobSteps(job)).toBe(19);
    expect(jobSteps({ ...job, numTimesteps: 7 })).toBe(7);
    expect(jobSteps(emptySnapshot('a', { ...request, sigmas: [14, 2, 0] }, 0))).toBe(2);
  });
});

describe('the plan of the form', () => {
  it('takes all steps where it starts from noise, whatever the other tabs say', () => {
    expect(formPlan({ ...initialForm, strength: '0.1' })).toMatchObject({ asked: 20, run: 20 });
  });

  it('takes the strength of its own tab', () => {
    const form = { ...withPicture, strength: '0.5', inpaintStrength: '1' };
    expect(formPlan(form)?.run).toBe(10);
    expect(formPlan({ ...form, task: 'inpaint' })?.run).toBe(20);
  });

  it('counts the entries of a list in place of the steps', () => {
    expect(formPlan({ ...initialForm, timesteps: '999, 500, 100' })?.asked).toBe(3);
    expect(formPlan({ ...initialForm, sigmas: '14.6 2 0' })?.asked).toBe(2);
  });

  it('is none while a number cannot be read', () => {
    expect(formPlan({ ...initialForm, steps: 'many' })).toBeNull();
    expect(formPlan({ ...withPicture, strength: '' })).toBeNull();
    expect(formPlan({ ...initialForm, sigmas: '14.6' })).toBeNull();
  });

  it('starts by a share only on a model that knows shares', () => {
    const form = { ...withPicture, denoisingStart: '0.8' };
    expect(startsByShare(form, { ...model, family: 'sdxl' })).toBe(true);
    expect(startsByShare(form, model)).toBe(false);
    expect(startsByShare({ ...form, task: 'text-to-image' }, { ...model, family: 'sdxl' })).toBe(false);
  });
});
