import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { schedulerIds, type SchedulerId } from '../../../shared/samplers.ts';
import { TorchGenerator } from '../tensor/random.ts';
import { mapTensor, tensor, type Tensor } from '../tensor/tensor.ts';
import { alphasCumprod, smallestSignal } from './noiseSchedule.ts';
import { loadScheduler } from './registry.ts';
import type { Stepper } from './scheduler.ts';
import { sdBetas, tables, trajectories, type Trajectory } from './testing/goldens.ts';
import { standInSamples, standInShape } from './testing/standIn.ts';

/** All numbers: e2e/parity/make_goldens.py (diffusers 0.42.1, torch 2.13.0). */
const tolerance = 1e-5;

function far(actual: number | undefined, wanted: number): number {
  return Math.abs((actual ?? NaN) - wanted) / Math.max(1, Math.abs(wanted));
}

function expectClose(actual: ArrayLike<number>, wanted: readonly number[], within: number, what: string): void {
  expect(actual.length, what).toBe(wanted.length);
  wanted.forEach((value, index) => {
    if (!(far(actual[index], value) <= within)) expect(actual[index], `${what}, value ${index}`).toBeCloseTo(value, 6);
  });
}

function begun(row: Trajectory): { stepper: Stepper; config: ReturnType<typeof loadScheduler>['config'] } {
  const options = { eta: row.eta ?? 0, ...(row.mu === undefined ? {} : { mu: row.mu }) };
  const { scheduler, config, plan } = loadScheduler(row.sampler, { ...sdBetas, ...row.config }, options);
  const lists = {
    ...(row.timesteps === undefined ? {} : { timesteps: row.timesteps }),
    ...(row.sigmas === undefined ? {} : { sigmas: row.sigmas }),
  };
  return { stepper: scheduler.createStepper(config, plan(row.steps, lists)), config };
}

function ramp(values: readonly number[]): Tensor {
  return tensor(standInShape, Float32Array.from(values));
}

function nameOf({ sampler, steps, eta, begin, end, timesteps, sigmas, mu, config }: Trajectory): string {
  return `${sampler} ${JSON.stringify({ steps, eta, begin, end, timesteps, sigmas, mu, ...config })}`;
}

describe('trajectories of diffusers', () => {
  describe.each(schedulerIds)('%s', (id) => {
    it.each(trajectories.filter(({ sampler }) => sampler === id).map((row) => [nameOf(row), row] as const))('%s', (_, row) => {
      const { stepper, config } = begun(row);
      // Fractional ones are found by a logarithm in float32.
      expectClose(stepper.timesteps, row.list, 2e-6, 'timesteps');
      expect(Math.abs(stepper.initNoiseSigma / row.initNoiseSigma - 1)).toBeLessThan(1e-6);
      const from = row.begin ?? 0;
      const start = ramp(tables.sin);
      // A run that begins in the middle starts at a noised picture: diffusers' add_noise is held by it too.
      const sample =
        from > 0 ? stepper.addNoise(start, ramp(tables.cos), from) : mapTensor(start, (x) => x * stepper.initNoiseSigma);
      const to = row.end ?? row.list.length;
      const samples = standInSamples({ stepper, config, noise: new TorchGenerator('7'), sample, from, to });
      expect(samples).toHaveLength(row.path.length);
      row.path.forEach((wanted, step) => {
        const { data } = samples[step] ?? sample;
        expectClose([data[0] ?? NaN, data[7] ?? NaN], wanted, tolerance, `step ${step}`);
      });
      expectClose(samples[samples.length - 1]?.data ?? [], row.last, tolerance, 'last sample');
    });
  });

  it('are there for every scheduler', () => {
    for (const id of schedulerIds) expect(trajectories.filter(({ sampler }) => sampler === id).length, id).toBeGreaterThan(20);
  });
});

describe('timesteps of diffusers for 1 to 50 steps', () => {
  it.each(Object.entries(tables.timesteps))('%s', (name, digests) => {
    const [id = '', variant = '', prk] = name.split(' ');
    const file = {
      ...sdBetas,
      skip_prk_steps: prk === undefined,
      ...(variant.startsWith('use_') ? { [variant]: true } : { steps_offset: 1 }),
      ...(['linspace', 'leading', 'trailing'].includes(variant) ? { timestep_spacing: variant } : {}),
    };
    const { scheduler, config } = loadScheduler(id as SchedulerId, file);
    for (let steps = 1; steps <= 50; steps++) {
      const wanted = digests.slice(8 * (steps - 1), 8 * steps);
      if (wanted === '--------') {
        expect(() => scheduler.createStepper(config, { steps })).toThrow(/4/);
        continue;
      }
      // Of DPM2 the levels only: the timesteps between them carry the last bit of torch's exp.
      const every = id.startsWith('dpm2') ? 2 : 1;
      const { timesteps } = scheduler.createStepper(config, { steps });
      const list = Float32Array.from(timesteps.filter((_, at) => at % every === 0));
      const digest = createHash('sha256').update(new Uint8Array(list.buffer)).digest('hex').slice(0, 8);
      expect(digest, `${name}, ${steps} steps: ${list.join(' ')}`).toBe(wanted);
    }
  });

  it('are exactly as many as asked for, also where numpy gives one more', () => {
    for (const id of schedulerIds) {
      if (id === 'lcm' || id === 'tcd') continue;
      const { scheduler, config } = loadScheduler(id, { ...sdBetas, timestep_spacing: 'trailing', skip_prk_steps: true });
      for (const steps of [61, 103, 121, 122, 201]) {
        const { timesteps, order } = scheduler.createStepper(config, { steps });
        expect(timesteps, id).toHaveLength(order === 2 ? 2 * steps - 1 : id === 'pndm' ? steps + 1 : steps);
        expect(Math.min(...timesteps)).toBeGreaterThanOrEqual(0);
      }
    }
  });

  it('are whole where diffusers says so', () => {
    for (const id of schedulerIds) {
      const { scheduler, config } = loadScheduler(id, sdBetas);
      const { timesteps, timestepType } = scheduler.createStepper(config, { steps: 7 });
      if (timestepType === 'int64') expect(timesteps.every(Number.isInteger), id).toBe(true);
      else expect(timesteps).toEqual(timesteps.map(Math.fround));
    }
  });
});

describe('alphas_cumprod', () => {
  const table = (file: Record<string, unknown>): number[] => {
    const bars = alphasCumprod(loadScheduler('euler', file).config, smallestSignal);
    return tables.index.map((i) => bars[i] ?? NaN);
  };

  it('is that of torch bit by bit', () => {
    // Nine digits of a golden name one float32.
    expect(table(sdBetas)).toEqual(tables.alphasCumprod.map(Math.fround));
    expect(table({})).toEqual(tables.alphasCumprodLinear.map(Math.fround));
  });

  it('with zero terminal SNR is the same but for the square roots, whose last bit depends on the torch build', () => {
    const zero = table({ ...sdBetas, rescale_betas_zero_snr: true });
    zero.forEach((bar, at) => expect(bar / (tables.alphasCumprodZeroSnr[at] ?? NaN)).toBeCloseTo(1, 6));
  });
});

describe('where a run ends', () => {
  it('noise of the level after the last step is none', () => {
    for (const id of schedulerIds) {
      const { scheduler, config } = loadScheduler(id, sdBetas);
      const stepper = scheduler.createStepper(config, { steps: 6 });
      const picture = ramp(tables.sin);
      expect(Array.from(stepper.addNoise(picture, ramp(tables.cos), stepper.timesteps.length).data), id).toEqual(
        Array.from(picture.data),
      );
    }
  });

  it('is finite where diffusers multiplies infinity by nothing: UniPC bh1 to sigma 0, steps from almost pure noise', () => {
    const zeroSnr = { ...sdBetas, rescale_betas_zero_snr: true, prediction_type: 'v_prediction', timestep_spacing: 'trailing' };
    const files = [
      ['unipc', { ...sdBetas, solver_type: 'bh1' }],
      ['dpm2_a', { beta_schedule: 'squaredcos_cap_v2' }],
      ['ddim', { ...zeroSnr, num_train_timesteps: 500, clip_sample: false }],
    ] as const;
    for (const [id, file] of files) {
      const { scheduler, config } = loadScheduler(id, file, { eta: 1 });
      const stepper = scheduler.createStepper(config, { steps: 3 });
      const sample = mapTensor(ramp(tables.sin), (x) => x * stepper.initNoiseSigma);
      const noise = new TorchGenerator('7');
      const samples = standInSamples({ stepper, config, noise, sample, from: 0, to: stepper.timesteps.length });
      for (const { data } of samples) expect(data.every(Number.isFinite), id).toBe(true);
    }
  });
});
