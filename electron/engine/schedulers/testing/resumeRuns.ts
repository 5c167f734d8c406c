/** Continues saved runs to their end: cases as JSON on standard input, their last samples as JSON on standard output. */
import { readFileSync } from 'node:fs';
import type { SchedulerId } from '../../../../shared/samplers.ts';
import { TorchGenerator } from '../../tensor/random.ts';
import { tensorFromPlain } from '../../tensor/tensor.ts';
import { loadScheduler } from '../registry.ts';
import { standInSamples } from './standIn.ts';

/** A run stopped before index `cut`. */
export interface SavedRun {
  readonly id: SchedulerId;
  readonly file: Readonly<Record<string, unknown>>;
  readonly eta: number;
  readonly steps: number;
  readonly cut: number;
  readonly stepper: unknown;
  readonly generator: unknown;
  readonly sample: unknown;
}

function lastSample({ id, file, eta, steps, cut, ...saved }: SavedRun): number[] {
  const { scheduler, config, plan } = loadScheduler(id, file, { eta });
  const stepper = scheduler.createStepper(config, plan(steps));
  stepper.restore(saved.stepper);
  const noise = new TorchGenerator('0');
  noise.restore(saved.generator);
  const sample = tensorFromPlain(saved.sample);
  const to = stepper.timesteps.length;
  return Array.from(standInSamples({ stepper, config, noise, sample, from: cut, to }).at(-1)?.data ?? []);
}

const runs = JSON.parse(readFileSync(0, 'utf8')) as SavedRun[];
process.stdout.write(JSON.stringify(runs.map(lastSample)));
