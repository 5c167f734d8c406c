import { describe, expect, it } from 'vitest';
import {
  schedulerIds,
  type SchedulerId,
  sigmaScheduleIds,
  sigmaSchedulesOf,
  timestepSpacingIds,
  timestepSpacingsOf,
} from '../../../shared/samplers.ts';
import { symmetricBetaQuantile } from './betaQuantile.ts';
import { dynamicShift } from './flowShift.ts';
import { thresholded } from './ownEstimate.ts';
import { loadScheduler, type SchedulerOptions } from './registry.ts';
import type { StepPlan } from './scheduler.ts';
import { sdBetas, tables } from './testing/goldens.ts';

const pndmFile = {
  _class_name: 'PNDMScheduler',
  ...sdBetas,
  steps_offset: 1,
  set_alpha_to_one: false,
  skip_prk_steps: true,
  clip_sample: false,
};

describe('cross-loading', () => {
  it('takes the class defaults for what a file leaves out', () => {
    expect(loadScheduler('euler', pndmFile).config.timestepSpacing).toBe('linspace');
    expect(loadScheduler('ddim', pndmFile).config).toMatchObject({
      timestepSpacing: 'leading',
      setAlphaToOne: false,
      stepsOffset: 1,
      clipSample: false,
    });
    expect(loadScheduler('ddim', sdBetas).config.clipSample).toBe(true);
    expect(loadScheduler('heun', {}).config).toMatchObject({ betaStart: 0.00085, betaEnd: 0.012, betaSchedule: 'linear' });
    expect(loadScheduler('lcm', {}).config.betaSchedule).toBe('scaled_linear');
  });

  it('drops keys the class does not have', () => {
    const file = { ...sdBetas, use_karras_sigmas: true, rescale_betas_zero_snr: true, timestep_spacing: 'trailing' };
    expect(loadScheduler('euler_a', file).config).toMatchObject({ useKarrasSigmas: false, rescaleBetasZeroSnr: true });
    expect(loadScheduler('heun', file).config).toMatchObject({ useKarrasSigmas: true, rescaleBetasZeroSnr: false });
    expect(loadScheduler('dpmpp_2s', file).config.timestepSpacing).toBe('linspace');
    // A value that is not built harms nobody who does not read it.
    expect(() => loadScheduler('euler', { ...sdBetas, variance_type: 'learned_range' })).not.toThrow();
  });

  it('lets the id decide what it names, whatever the file says', () => {
    const file = { ...sdBetas, algorithm_type: 'sde-dpmsolver++' };
    expect(loadScheduler('dpmpp_2m', file).config.algorithmType).toBe('dpmsolver++');
    expect(loadScheduler('dpmpp_sde', sdBetas).config.algorithmType).toBe('sde-dpmsolver++');
    expect(loadScheduler('flow_euler', { prediction_type: 'epsilon' }).config.predictionType).toBe('flow_prediction');
  });

  it.each([
    ['ddpm', { variance_type: 'learned_range' }, /variance_type/],
    ['euler', { beta_schedule: 'laplace' }, /beta_schedule/],
    ['euler_a', { prediction_type: 'sample' }, /prediction_type/],
    ['euler', { prediction_type: 'flow_prediction' }, /prediction_type/],
    ['dpmpp_2m', { solver_order: 4 }, /solver_order/],
    ['euler', { use_karras_sigmas: true, use_beta_sigmas: true }, /use_karras_sigmas/],
  ] as const)('refuses for %s what is not built: %o', (id, file, message) => {
    expect(() => loadScheduler(id, { ...sdBetas, ...file })).toThrow(message);
  });

  it.each([
    ['dpmpp_2m', { prediction_type: 'flow_prediction' }, /use_flow_sigmas/],
    ['unipc', { predict_x0: false }, /predict_x0/],
    ['unipc', { lower_order_final: false }, /lower_order_final/],
  ] as const)('refuses for %s combinations no run comes out of: %o', (id, file, message) => {
    const { scheduler, config } = loadScheduler(id, { ...sdBetas, ...file });
    expect(() => scheduler.createStepper(config, { steps: 5 })).toThrow(message);
  });
});

describe('what a run chooses over the file', () => {
  it('sets the schedule and the spacing', () => {
    const file = { ...sdBetas, use_karras_sigmas: true, timestep_spacing: 'leading' };
    expect(loadScheduler('euler', file).config.useKarrasSigmas).toBe(true);
    expect(loadScheduler('euler', file, { sigmaSchedule: 'uniform' }).config.useKarrasSigmas).toBe(false);
    const chosen: SchedulerOptions = { sigmaSchedule: 'beta', timestepSpacing: 'trailing' };
    expect(loadScheduler('euler', file, chosen).config).toMatchObject({
      useKarrasSigmas: false,
      useBetaSigmas: true,
      timestepSpacing: 'trailing',
    });
  });

  it('is refused exactly where shared/samplers.ts says so, and every offer makes a run', () => {
    for (const id of schedulerIds) {
      for (const sigmaSchedule of sigmaScheduleIds) {
        const load = () => loadScheduler(id, sdBetas, { sigmaSchedule });
        if (!sigmaSchedulesOf(id).includes(sigmaSchedule)) {
          expect(load, `${id} ${sigmaSchedule}`).toThrow(/cannot follow/);
          continue;
        }
        const { scheduler, config, plan } = load();
        expect(scheduler.createStepper(config, plan(6)).timesteps.length).toBeGreaterThanOrEqual(6);
      }
      for (const timestepSpacing of timestepSpacingIds) {
        const load = () => loadScheduler(id, sdBetas, { timestepSpacing });
        if (timestepSpacingsOf(id).includes(timestepSpacing)) expect(load).not.toThrow();
        else expect(load, `${id} ${timestepSpacing}`).toThrow(/cannot follow/);
      }
    }
  });
});

describe('Align Your Steps', () => {
  const planned = (family: 'sd' | 'sdxl', steps: number) =>
    loadScheduler('euler', sdBetas, { sigmaSchedule: 'ays', family }).plan(steps).timesteps ?? [];

  it('of ten steps are diffusers’ own lists', () => {
    expect(planned('sd', 10)).toEqual(tables.alignYourSteps.sd);
    expect(planned('sdxl', 10)).toEqual(tables.alignYourSteps.sdxl);
  });

  it('of other counts run through the same levels', () => {
    for (const family of ['sd', 'sdxl'] as const) {
      for (const steps of [1, 5, 20, 30, 50]) {
        const list = planned(family, steps);
        expect(list).toHaveLength(steps);
        list.forEach((timestep, at) => expect(timestep).toBeLessThan(list[at - 1] ?? 1000));
      }
      expect(() => planned(family, 300)).toThrow(/few steps/);
      // Twice the steps pass through the ten; the published lists of both are rounded.
      planned(family, 20).forEach((timestep, at) => {
        if (at % 2 === 0) expect(Math.abs(timestep - (tables.alignYourSteps[family][at / 2] ?? NaN))).toBeLessThanOrEqual(2);
      });
    }
  });
});

describe('a plan with lists', () => {
  const planOf = (id: SchedulerId, lists: Pick<StepPlan, 'timesteps' | 'sigmas'>, file = {}, options: SchedulerOptions = {}) =>
    loadScheduler(id, { ...sdBetas, ...file }, options).plan(20, lists);

  it('takes its steps from the list', () => {
    expect(planOf('euler', { timesteps: [999, 500, 100] }).steps).toBe(3);
    expect(planOf('euler', { sigmas: [14, 5, 1, 0] }).steps).toBe(3);
    expect(planOf('flow_euler', { sigmas: [1, 0.5] }).steps).toBe(2);
  });

  it.each<[SchedulerId, Pick<StepPlan, 'timesteps' | 'sigmas'>, object, RegExp]>([
    ['ddim', { timesteps: [900, 500] }, {}, /no list of timesteps/],
    ['euler_a', { timesteps: [900, 500] }, {}, /no list of timesteps/],
    ['heun', { sigmas: [14, 5, 0] }, {}, /no list of sigmas/],
    ['euler', { timesteps: [900, 500], sigmas: [14, 5, 0] }, {}, /both/],
    ['euler', { timesteps: [900, 500] }, { use_karras_sigmas: true }, /exclude/],
    ['dpmpp_2m', { timesteps: [900, 500] }, { use_lu_lambdas: true }, /exclude/],
    ['euler', { timesteps: [900, 500] }, { timestep_type: 'continuous', prediction_type: 'v_prediction' }, /exclude/],
    ['euler', { timesteps: [500, 900] }, {}, /must fall/],
    ['euler', { timesteps: [1000, 500] }, {}, /must fall/],
    ['euler', { timesteps: [500, 500] }, {}, /must fall/],
    ['euler', { timesteps: [NaN] }, {}, /must fall/],
    ['euler', { timesteps: [] }, {}, /as many/],
    ['ddpm', { timesteps: [900.5, 500] }, {}, /whole/],
    ['euler', { sigmas: [5] }, {}, /too short/],
    ['euler', { sigmas: [1, 5, 0] }, {}, /must fall/],
    ['euler', { sigmas: [5, 1, -1] }, {}, /must fall/],
    ['flow_euler', { sigmas: [1, 0] }, {}, /more than 0/],
    ['unipc', { sigmas: [0.9, 0.5] }, {}, /rectified flow/],
  ])('%s refuses %o with %o', (id, lists, file, message) => {
    expect(() => planOf(id, lists, file)).toThrow(message);
  });

  it('and a schedule that was chosen exclude each other', () => {
    expect(() => planOf('euler', { sigmas: [14, 5, 0] }, {}, { sigmaSchedule: 'karras' })).toThrow(/exclude each other/);
    expect(() => planOf('euler', { timesteps: [900] }, {}, { sigmaSchedule: 'ays' })).toThrow(/exclude each other/);
    expect(planOf('euler', { timesteps: [900] }, { use_karras_sigmas: true }, { sigmaSchedule: 'uniform' }).steps).toBe(1);
  });

  it('is checked by the scheduler too, for plans made by hand', () => {
    const { scheduler, config } = loadScheduler('ddim', sdBetas);
    expect(() => scheduler.createStepper(config, { steps: 2, timesteps: [900, 500] })).toThrow(/no list of timesteps/);
    expect(() => scheduler.createStepper(config, { steps: 1001 })).toThrow(/1000 steps/);
  });
});

describe('limits', () => {
  it('LCM and TCD take no more steps than they were distilled on', () => {
    for (const id of ['lcm', 'tcd'] as const) {
      const { scheduler, config } = loadScheduler(id, sdBetas);
      expect(() => scheduler.createStepper(config, { steps: 51 })).toThrow(/50/);
    }
  });

  it('a run cannot begin between the two halves of a step', () => {
    for (const id of ['heun', 'dpm2', 'dpm2_a'] as const) {
      const { scheduler, config } = loadScheduler(id, sdBetas);
      const sample = { dims: [1], data: new Float32Array(1) };
      const noise = { normal: () => sample };
      const step = { index: 1, sample, modelOutput: sample, cleanEstimate: sample, noise };
      expect(() => scheduler.createStepper(config, { steps: 4 }).step(step)).toThrow(/second/);
    }
  });

  it('dynamic shifting needs to know the size of the picture', () => {
    const { scheduler, config } = loadScheduler('flow_euler', { use_dynamic_shifting: true });
    expect(() => scheduler.createStepper(config, { steps: 4 })).toThrow(/size of the picture/);
    // A line through (256, .5) and (4096, 1.15).
    expect(dynamicShift(config, 256)).toBeCloseTo(0.5, 12);
    expect(dynamicShift(config, 4096)).toBeCloseTo(1.15, 12);
  });
});

it('thresholding bounds every picture of a batch by itself', () => {
  const file = { ...sdBetas, thresholding: true, sample_max_value: 3, dynamic_thresholding_ratio: 0.5 };
  const { config } = loadScheduler('ddim', file);
  const quiet = Float32Array.from({ length: 8 }, (_, i) => Math.sin(i));
  const loud = quiet.map((x) => 4 * x);
  const both = thresholded({ dims: [2, 2, 2, 2], data: Float32Array.of(...quiet, ...loud) }, config).data;
  const alone = (data: Float32Array) => Array.from(thresholded({ dims: [1, 2, 2, 2], data }, config).data);
  expect(Array.from(both)).toEqual([...alone(quiet), ...alone(loud)]);
  expect(Math.max(...both.slice(8))).toBe(1);
});

it('a flow’s levels take no curve made for others', () => {
  const flow = { ...sdBetas, use_flow_sigmas: true, prediction_type: 'flow_prediction' };
  for (const id of ['dpmpp_2m', 'dpmpp_2s', 'deis'] as const) {
    const { scheduler, config, plan } = loadScheduler(id, flow, { sigmaSchedule: 'karras' });
    expect(() => scheduler.createStepper(config, plan(5))).toThrow(/rectified flow/);
  }
});

it('quantiles of Beta(.6, .6) are those of scipy', () => {
  for (const [probability, wanted] of tables.quantiles) {
    expect(Math.abs(symmetricBetaQuantile(probability, 0.6) - wanted)).toBeLessThanOrEqual(1e-13 * Math.max(wanted, 1e-10));
  }
});
