import { describe, expect, it } from 'vitest';
import { schedulerIds, type SchedulerId } from '../../../shared/samplers.ts';
import { callsPerStep, planSteps, takesSigmas, takesTimesteps } from './stepPlan.ts';

interface Registry {
  loadScheduler(id: SchedulerId, file: unknown): {
    readonly config: unknown;
    readonly scheduler: {
      readonly accepts: { readonly timesteps: boolean; readonly sigmas: boolean };
      createStepper(config: unknown, plan: unknown): { readonly order: number; readonly timesteps: readonly number[] };
    };
    plan(steps: number): unknown;
  };
}

// By a name that the compiler does not follow: the engine is no part of the page's types.
const registryFile = '../../../electron/engine/schedulers/registry.ts';
const { loadScheduler } = (await import(/* @vite-ignore */ registryFile)) as Registry;

const file = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear', skip_prk_steps: true, steps_offset: 1 };

describe('what the form knows of a sampler is what the engine knows', () => {
  it.each(schedulerIds)('%s', (id) => {
    const { scheduler, config, plan } = loadScheduler(id, id === 'flow_euler' ? {} : file);
    expect(takesTimesteps(id)).toBe(scheduler.accepts.timesteps);
    expect(takesSigmas(id)).toBe(scheduler.accepts.sigmas);
    const stepper = scheduler.createStepper(config, plan(10));
    expect(callsPerStep(id)).toBe(stepper.order);
    expect(planSteps({ scheduler: id, asked: 10, listed: false }, 1).calls).toBe(stepper.timesteps.length);
  });
});
