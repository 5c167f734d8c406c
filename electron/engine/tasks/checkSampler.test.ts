import { expect, it } from 'vitest';
import { schedulerIds, sigmaSchedulesOf } from '../../../shared/samplers.ts';
import { loadScheduler } from '../schedulers/registry.ts';
import { checkSampler } from './checkSampler.ts';

const refusedOn = (file: object, sigmaSchedule: 'automatic' | 'beta'): string[] =>
  schedulerIds.filter((scheduler) => sigmaSchedulesOf(scheduler).includes(sigmaSchedule)).filter((scheduler) => {
    try {
      checkSampler({ scheduler, sigmaSchedule }, file, loadScheduler(scheduler, file, { sigmaSchedule }).config);
      return false;
    } catch (error) {
      expect(error).toMatchObject({ code: 'INVALID_INPUT', field: scheduler === 'flow_euler' ? 'scheduler' : 'sigmaSchedule' });
      return true;
    }
  });

it('a flow sampler goes with models of rectified flow only', () => {
  const check = (file: object) => () => checkSampler({ scheduler: 'flow_euler', sigmaSchedule: 'automatic' }, file, { rescaleBetasZeroSnr: false });
  expect(refusedOn({ prediction_type: 'v_prediction' }, 'automatic')).toEqual(['flow_euler']);
  expect(refusedOn({}, 'automatic')).toEqual(['flow_euler']);
  for (const file of [{ _class_name: 'FlowMatchEulerDiscreteScheduler' }, { prediction_type: 'flow_prediction' }, { use_flow_sigmas: true }]) {
    expect(check(file)).not.toThrow();
  }
  expect(check({ _class_name: 'FlowMatchEulerDiscreteScheduler', prediction_type: 'epsilon' })).toThrow();
});

it('beta levels are refused where they begin at the sigma of zero SNR', () => {
  const file = { prediction_type: 'v_prediction', rescale_betas_zero_snr: true };
  expect(refusedOn(file, 'automatic')).toEqual(['flow_euler']);
  expect(refusedOn(file, 'beta')).toEqual(['euler', 'dpmpp_2m', 'dpmpp_2m_sde', 'unipc', 'flow_euler']);
  expect(refusedOn({ prediction_type: 'v_prediction' }, 'beta')).toEqual(['flow_euler']);
});
