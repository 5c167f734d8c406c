import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { schedulerIds } from '../../../shared/generation.ts';
import { cleanEstimate } from '../guidance/prediction.ts';
import { TorchGenerator } from '../tensor/random.ts';
import { mapTensor, tensor, type Tensor } from '../tensor/tensor.ts';
import { alphasCumprod, smallestSignal } from './noiseSchedule.ts';
import { loadScheduler } from './registry.ts';

/** All numbers: e2e/parity/make_goldens.py (diffusers 0.42.1, torch 2.13.0). */
interface Row {
  readonly scheduler: (typeof schedulerIds)[number];
  readonly steps: number;
  readonly eta: number;
  readonly config: Record<string, unknown>;
  readonly timesteps: readonly number[];
  readonly sigmas: readonly number[] | null;
  readonly initNoiseSigma: number;
  readonly initial: readonly number[];
  readonly samples: readonly (readonly number[])[];
}

function golden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`golden/${name}.json`, import.meta.url), 'utf8')) as T;
}

const rows = golden<{ rows: Row[] }>('trajectories').rows;
const tables = golden<{
  rows: {
    timesteps: [Row['scheduler'], string, number, number[]][];
    index: number[];
    alphasCumprod: number[];
    alphasCumprodLinear: number[];
    alphasCumprodZeroSnr: number[];
  };
}>('tables').rows;

const sdBetas = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' };
const shape = [1, 4, 2, 2];

/** The stand-in model the goldens were made with: .5 cos(i+1) + .1 clamp(x, -1, 1). */
function model(scaled: Tensor): Tensor {
  const out = scaled.data.map((x, i) => Math.fround(0.5 * Math.fround(Math.cos(i + 1))) + 0.1 * Math.max(-1, Math.min(1, x)));
  return tensor(shape, out);
}

function expectClose(actual: ArrayLike<number>, wanted: readonly number[], tolerance: number): void {
  expect(actual.length).toBe(wanted.length);
  wanted.forEach((value, index) => {
    const difference = Math.abs((actual[index] ?? NaN) - value) / Math.max(1, Math.abs(value));
    if (!(difference <= tolerance)) expect(actual[index], `value ${index}`).toBeCloseTo(value, 6);
  });
}

describe('trajectories of diffusers', () => {
  it.each(rows.map((row) => [`${row.scheduler} ${row.steps} ${JSON.stringify(row.config)} eta ${row.eta}`, row] as const))(
    '%s',
    (_, row) => {
      const { scheduler, config } = loadScheduler(row.scheduler, row.config);
      const stepper = scheduler.createStepper({ ...config, eta: row.eta }, row.steps);
      expectClose(stepper.timesteps, row.timesteps, 1e-6);
      expect(Math.abs(stepper.initNoiseSigma / row.initNoiseSigma - 1)).toBeLessThan(1e-6);
      const noise = new TorchGenerator('7');
      let sample = tensor(shape, Float32Array.from(row.initial));
      row.samples.forEach((wanted, index) => {
        const output = model(stepper.scaleModelInput(sample, index));
        const estimate = cleanEstimate(config.predictionType, output, sample, stepper.level(index));
        sample = stepper.step({ index, sample, cleanEstimate: estimate, noise });
        expectClose(sample.data, wanted, 1e-5);
      });
    },
  );
});

describe('timesteps', () => {
  it.each(tables.timesteps.map((row) => [row.slice(0, 3).join(' '), row] as const))('%s', (_, [id, spacing, steps, wanted]) => {
    const { scheduler, config } = loadScheduler(id, { ...sdBetas, timestep_spacing: spacing, steps_offset: 1 });
    expectClose(scheduler.createStepper(config, steps).timesteps, wanted, 1e-6);
  });

  it('are exactly as many as asked for, also where numpy gives one more', () => {
    for (const id of schedulerIds) {
      const { scheduler, config } = loadScheduler(id, { ...sdBetas, timestep_spacing: 'trailing' });
      for (const steps of [61, 103, 121, 122, 201]) {
        const { timesteps } = scheduler.createStepper(config, steps);
        expect(timesteps).toHaveLength(steps);
        expect(Math.min(...timesteps)).toBeGreaterThanOrEqual(0);
      }
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

describe('cross-loading', () => {
  it('takes the class defaults for what a PNDM file leaves out', () => {
    const pndm = { _class_name: 'PNDMScheduler', ...sdBetas, steps_offset: 1, set_alpha_to_one: false, skip_prk_steps: true };
    expect(loadScheduler('euler', pndm).config.timestepSpacing).toBe('linspace');
    expect(loadScheduler('ddim', pndm).config).toMatchObject({ timestepSpacing: 'leading', setAlphaToOne: false, stepsOffset: 1 });
    expect(loadScheduler('dpmpp_2m', { ...pndm, use_karras_sigmas: true }).config.useKarrasSigmas).toBe(false);
    expect(loadScheduler('dpmpp_2m_karras', pndm).config.useKarrasSigmas).toBe(true);
  });

  it('refuses a schedule that is not built', () => {
    expect(() => loadScheduler('euler', { ...sdBetas, use_beta_sigmas: true })).toThrow(/use_beta_sigmas/);
    expect(() => loadScheduler('euler', { prediction_type: 'flow_prediction' })).toThrow(/prediction_type/);
  });
});

describe('snapshot and restore', () => {
  it.each(schedulerIds)('%s goes on bit by bit the same', (id) => {
    const { scheduler, config } = loadScheduler(id, sdBetas);
    const run = (stepper: ReturnType<typeof scheduler.createStepper>, noise: TorchGenerator, from: number, x: Tensor, to: number) => {
      let sample = x;
      for (let index = from; index < to; index++) {
        const estimate = mapTensor(model(stepper.scaleModelInput(sample, index)), (v) => v * 1.5);
        sample = stepper.step({ index, sample, cleanEstimate: estimate, noise });
      }
      return sample;
    };
    const start = new TorchGenerator('3').normal(shape);
    const whole = run(scheduler.createStepper(config, 12), new TorchGenerator('5'), 0, start, 12);
    for (let cut = 1; cut < 12; cut++) {
      const first = scheduler.createStepper(config, 12);
      const noise = new TorchGenerator('5');
      const middle = run(first, noise, 0, start, cut);
      const state: unknown = JSON.parse(JSON.stringify([first.snapshot(), noise.snapshot()]));
      const [stepperState, noiseState] = state as [unknown, unknown];
      const second = scheduler.createStepper(config, 12);
      second.restore(stepperState);
      const freshNoise = new TorchGenerator('0');
      freshNoise.restore(structuredClone(noiseState));
      expect(Array.from(run(second, freshNoise, cut, middle, 12).data)).toEqual(Array.from(whole.data));
    }
  });
});
