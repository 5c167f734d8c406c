import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { schedulerIds, type SchedulerId } from '../../../shared/samplers.ts';
import { TorchGenerator } from '../tensor/random.ts';
import { mapTensor, tensorFromPlain } from '../tensor/tensor.ts';
import { loadScheduler } from './registry.ts';
import { sdBetas } from './testing/goldens.ts';
import type { SavedRun } from './testing/resumeRuns.ts';
import { standInSamples, standInShape } from './testing/standIn.ts';

interface Case {
  readonly id: SchedulerId;
  readonly file: Readonly<Record<string, unknown>>;
}

/** Every scheduler as it is, and the settings under which one remembers more. */
const cases: readonly Case[] = [
  ...schedulerIds.map((id) => ({ id, file: sdBetas })),
  ...(['dpmpp_2m', 'dpmpp_2m_sde', 'dpmpp_2s', 'dpmpp_sde', 'unipc', 'deis'] as const).map((id) => ({
    id,
    file: { ...sdBetas, solver_order: 3, prediction_type: 'v_prediction' },
  })),
  { id: 'pndm', file: { ...sdBetas, skip_prk_steps: true } },
  { id: 'flow_euler', file: { shift: 3, stochastic_sampling: true } },
];

const steps = 12;
const eta = 0.4;

/** A run to its end, and what was saved of it before index `cut`, through JSON. */
function saved({ id, file }: Case, choose: (length: number) => number): { run: SavedRun; last: number[] } {
  const { scheduler, config, plan } = loadScheduler(id, file, { eta });
  const stepper = scheduler.createStepper(config, plan(steps));
  const { length } = stepper.timesteps;
  const cut = choose(length);
  const noise = new TorchGenerator('5');
  const start = mapTensor(new TorchGenerator('3').normal(standInShape), (x) => x * stepper.initNoiseSigma);
  const sample = standInSamples({ stepper, config, noise, sample: start, from: 0, to: cut }).at(-1) ?? start;
  const run = { id, file, eta, steps, cut, stepper: stepper.snapshot(), generator: noise.snapshot(), sample };
  const text = JSON.stringify(run);
  const last = standInSamples({ stepper, config, noise, sample, from: cut, to: length }).at(-1) ?? start;
  return { run: JSON.parse(text) as SavedRun, last: Array.from(last.data) };
}

describe('a run that was saved at any step', () => {
  it('goes on bit by bit the same in another process', () => {
    const runs = cases.flatMap((one) => [
      saved(one, (length) => 1 + Math.floor(Math.random() * (length - 1))),
      saved(one, (length) => 1 + Math.floor(Math.random() * (length - 1))),
      saved(one, (length) => length - 1),
    ]);
    const script = fileURLToPath(new URL('testing/resumeRuns.ts', import.meta.url));
    const output = execFileSync(process.execPath, [script], {
      input: JSON.stringify(runs.map(({ run }) => run)),
      maxBuffer: 2 ** 26,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const lasts = JSON.parse(output.toString()) as number[][];
    runs.forEach(({ run, last }, at) => {
      expect(lasts[at], `${run.id} ${JSON.stringify(run.file)} cut before ${run.cut}`).toEqual(last);
    });
  }, 30_000);

  it('is not the same without its state, where there is any', () => {
    for (const id of ['lms', 'dpmpp_2m', 'dpmpp_2m_sde', 'unipc', 'pndm', 'deis'] as const) {
      const { run, last } = saved({ id, file: { ...sdBetas, skip_prk_steps: true } }, () => 6);
      const { scheduler, config, plan } = loadScheduler(id, run.file, { eta });
      const stepper = scheduler.createStepper(config, plan(steps));
      const noise = new TorchGenerator('5');
      noise.restore(run.generator);
      const sample = tensorFromPlain(run.sample);
      const other = standInSamples({ stepper, config, noise, sample, from: 6, to: stepper.timesteps.length }).at(-1);
      expect(Array.from(other?.data ?? []), id).not.toEqual(last);
    }
  });

  it('refuses a state that is none', () => {
    for (const id of ['heun', 'lms', 'dpm2', 'dpm2_a', 'dpmpp_2m', 'dpmpp_2s', 'unipc', 'pndm', 'deis'] as const) {
      const { scheduler, config } = loadScheduler(id, sdBetas);
      const stepper = scheduler.createStepper(config, { steps });
      for (const state of [null, 3, {}, { estimates: 3 }]) expect(() => stepper.restore(state), id).toThrow(/not readable/);
    }
  });
});
