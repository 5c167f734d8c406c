import type { StepEnd, StepTensors } from '../callbacks/callback.ts';
import { elementCount, type Tensor } from '../tensor/tensor.ts';
import { type CallbackProblem, createUserCallback, type SandboxedCallback, type UserCallbackOptions } from './userCallback.ts';

/** Surroundings of a callback without a run; for tests and measurements. */

export function filled(dims: readonly number[], value: number): Tensor {
  return { dims, data: new Float32Array(elementCount(dims)).fill(value) };
}

export function stepEnd(stepIndex: number, latents: Tensor = filled([1, 4, 8, 8], 1)): StepEnd {
  return {
    stepIndex,
    numTimesteps: 10,
    timestep: 999 - 100 * stepIndex,
    sigma: 14 - stepIndex,
    nextSigma: stepIndex === 9 ? null : 13 - stepIndex,
    guidanceScale: 5,
    guided: true,
    unetEvaluations: 2,
    unetBatch: 2,
    ms: 3,
    estimateChange: stepIndex === 0 ? null : 0.5,
    guidanceDistance: 0.25,
    guidanceCosine: 0.75,
    reused: 'none',
    latents,
    cleanEstimate: filled(latents.dims, 0.5),
  };
}

/** A callback with all that it said. */
export interface Heard {
  readonly callback: SandboxedCallback;
  readonly problems: readonly CallbackProblem[];
  readonly lines: readonly string[];
}

export async function listenTo(source: string, options: Partial<UserCallbackOptions> = {}): Promise<Heard> {
  const problems: CallbackProblem[] = [];
  const lines: string[] = [];
  const callback = await createUserCallback(source, {
    name: 'mine',
    seed: '1',
    onProblem: (problem) => problems.push(problem),
    onLog: (told) => lines.push(...told),
    ...options,
  });
  return { callback, problems, lines };
}

/** One call at the end of a step. */
export async function ask({ callback }: Heard, stepIndex = 0, tensors: StepTensors = { latents: filled([1, 4, 8, 8], 1) }) {
  const run = stepEnd(stepIndex, tensors.latents);
  return callback.callbackOnStepEnd(run, stepIndex, run.timestep, tensors);
}
