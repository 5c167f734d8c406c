import { describe, expect, it } from 'vitest';
import {
  parseSamplerName,
  parseSigmaScheduleName,
  schedulerIds,
  schedulerLabels,
  sigmaScheduleIds,
  sigmaScheduleLabels,
  sigmaSchedulesOf,
  timestepSpacingsOf,
} from './samplers.ts';

const choice = (scheduler: string, sigmaSchedule = 'automatic', timestepSpacing = 'automatic') => ({
  scheduler,
  sigmaSchedule,
  timestepSpacing,
});

describe('names of samplers', () => {
  it('are our ids and labels', () => {
    for (const id of schedulerIds) {
      expect(parseSamplerName(id)).toEqual(choice(id));
      expect(parseSamplerName(schedulerLabels[id])).toEqual(choice(id));
    }
  });

  it('with the label of a schedule behind them, where the scheduler has it', () => {
    for (const id of schedulerIds) {
      for (const schedule of sigmaScheduleIds) {
        if (schedule === 'uniform') continue;
        const wanted = sigmaSchedulesOf(id).includes(schedule) ? choice(id, schedule) : null;
        expect(parseSamplerName(`${schedulerLabels[id]} ${sigmaScheduleLabels[schedule]}`)).toEqual(wanted);
      }
    }
  });

  it.each([
    ['DPM++ 2M Karras', choice('dpmpp_2m', 'karras')],
    ['DPM++ 2M SDE Karras', choice('dpmpp_2m_sde', 'karras')],
    ['DPM++ SDE', choice('dpmpp_sde')],
    ['Euler a', choice('euler_a')],
    ['euler  A', choice('euler_a')],
    ['DPM2 a Karras', choice('dpm2_a', 'karras')],
    ['PLMS', choice('pndm')],
    ['UniPC', choice('unipc')],
    ['Euler SGM Uniform', choice('euler', 'uniform', 'trailing')],
    ['Euler a Simple', choice('euler_a', 'uniform', 'trailing')],
    ['LMS Exponential', choice('lms', 'exponential')],
    ['Heun Beta', choice('heun', 'beta')],
    ['DPM++ 2M Align Your Steps', choice('dpmpp_2m', 'ays')],
    ['Euler Uniform', choice('euler', 'uniform', 'linspace')],
    ['Euler Automatic', choice('euler')],
    ['euler_ancestral', choice('euler_a')],
    ['dpmpp_2m_sde/karras', choice('dpmpp_2m_sde', 'karras')],
    ['dpmpp_2m_sde_gpu karras', choice('dpmpp_2m_sde', 'karras')],
    ['dpm_2_ancestral', choice('dpm2_a')],
    ['dpm_2 normal', choice('dpm2', 'uniform', 'linspace')],
    ['uni_pc_bh2', choice('unipc')],
    ['euler sgm_uniform', choice('euler', 'uniform', 'trailing')],
    ['euler_ancestral/simple', choice('euler_a', 'uniform', 'trailing')],
    ['ddim ddim_uniform', choice('ddim', 'uniform', 'leading')],
    ['lcm/sgm_uniform', choice('lcm')],
    ['dpmpp_2m_karras', choice('dpmpp_2m', 'karras')],
  ])('%s', (name, wanted) => {
    expect(parseSamplerName(name)).toEqual(wanted);
  });

  it.each([
    'DPM++ 2S a',
    'DPM++ 3M SDE',
    'Restart',
    'DPM adaptive',
    'heunpp2',
    'Euler a Karras',
    'DDIM Karras',
    'DPM++ SDE SGM Uniform',
    'DPM++ 2M SDE Heun',
    'Euler Polyexponential',
    'Karras',
    '',
    'toString',
  ])('%s is none of ours', (name) => {
    expect(parseSamplerName(name)).toBeNull();
  });

  it('of schedules alone', () => {
    expect(parseSigmaScheduleName('Karras')).toEqual({ sigmaSchedule: 'karras', timestepSpacing: 'automatic' });
    expect(parseSigmaScheduleName('sgm_uniform')).toEqual({ sigmaSchedule: 'uniform', timestepSpacing: 'trailing' });
    expect(parseSigmaScheduleName('KL Optimal')).toBeNull();
  });
});

it('every scheduler can do what the model’s file says, and be told to do without a curve', () => {
  for (const id of schedulerIds) {
    expect(sigmaSchedulesOf(id).slice(0, 2)).toEqual(['automatic', 'uniform']);
    expect(timestepSpacingsOf(id)[0]).toBe('automatic');
  }
});
