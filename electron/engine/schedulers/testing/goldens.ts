import { readFileSync } from 'node:fs';
import type { SchedulerId } from '../../../../shared/samplers.ts';

/** A run of diffusers; e2e/parity/goldens says how it was made. */
export interface Trajectory {
  readonly sampler: SchedulerId;
  readonly steps: number;
  readonly eta?: number;
  readonly begin?: number;
  readonly end?: number;
  readonly timesteps?: readonly number[];
  readonly sigmas?: readonly number[];
  readonly mu?: number;
  readonly config: Readonly<Record<string, unknown>>;
  readonly list: readonly number[];
  readonly initNoiseSigma: number;
  /** Values 0 and 7 of the sample after every step. */
  readonly path: readonly (readonly [number, number])[];
  readonly last: readonly number[];
}

export interface Tables {
  /** By scheduler and spacing: eight hex digits a step count from 1 to 50, of the SHA-256 of the list as float32. */
  readonly timesteps: Readonly<Record<string, string>>;
  readonly index: readonly number[];
  readonly alphasCumprod: readonly number[];
  readonly alphasCumprodLinear: readonly number[];
  readonly alphasCumprodZeroSnr: readonly number[];
  readonly alignYourSteps: { readonly sd: readonly number[]; readonly sdxl: readonly number[] };
  /** sin(i+1) and cos(i+1), float32. */
  readonly sin: readonly number[];
  readonly cos: readonly number[];
  /** Probability, quantile of Beta(.6, .6). */
  readonly quantiles: readonly (readonly [number, number])[];
}

function golden<T>(name: string): T {
  return (JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), 'utf8')) as { rows: T }).rows;
}

export const trajectories = golden<readonly Trajectory[]>('trajectories');
export const tables = golden<Tables>('tables');

/** Betas of Stable Diffusion; every golden but those that say otherwise has them. */
export const sdBetas = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' };
