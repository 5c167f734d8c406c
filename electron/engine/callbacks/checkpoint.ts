import type { Checkpoint, PlainTensor } from '../../../shared/engineProtocol.ts';
import type { StepRecord } from '../../../shared/job.ts';
import { scaleForStep } from '../guidance/guidanceCurve.ts';
import { isGuided } from '../guidance/guidanceState.ts';
import type { Stepper } from '../schedulers/scheduler.ts';
import type { RestorableNoise } from '../tensor/noise.ts';
import { sameDims, type Tensor } from '../tensor/tensor.ts';
import { recordOf, type StepCallback, type StepEnd, type StepTensors, type TensorInputName } from './callback.ts';
import type { RunControls } from './steering.ts';

export interface CheckpointOptions {
  readonly request: Checkpoint['request'];
  readonly modelHash: string;
  readonly stepper: Stepper;
  readonly noise: RestorableNoise;
  readonly controls: RunControls;
  /** The names the run has. */
  readonly names: readonly TensorInputName[];
  /** The tensors a resumed run works out again from the request for a step: those are not kept unless they were replaced. */
  readonly derived: (stepIndex: number) => StepTensors;
  /** Kept as they are, beside the tensors that have names for callbacks. */
  readonly kept: Readonly<Record<string, PlainTensor>>;
  /** Steps of this job done before it was resumed. */
  readonly earlierSteps: readonly StepRecord[];
  readonly emit: (checkpoint: Checkpoint) => void;
}

/** Lets every step leave the process as a checkpoint. Belongs last in the list, so that it sees what others changed. */
export function checkpointCallback(options: CheckpointOptions): StepCallback {
  const steps = [...options.earlierSteps];
  return {
    name: 'checkpoint',
    callbackOnStepEndTensorInputs: options.names,
    callbackOnStepEnd(run, stepIndex, _timestep, tensors) {
      steps.push(recordOf(run));
      options.emit({
        version: 2,
        request: options.request,
        modelHash: options.modelHash,
        stepsDone: stepIndex + 1,
        numTimesteps: run.numTimesteps,
        latents: tensors.latents ?? run.latents,
        cleanEstimate: run.cleanEstimate,
        stepper: options.stepper.snapshot(),
        generator: options.noise.snapshot(),
        tensors: {
          ...options.kept,
          ...replaced(options, tensors, run.nextSigma === null ? stepIndex : stepIndex + 1),
          ...heldGuidance(options.controls, run),
        },
        guidanceScale: options.controls.guidanceScale,
        guidanceEnd: options.controls.guidanceEnd,
        steps: [...steps],
      });
      return undefined;
    },
  };
}

function replaced({ names, derived }: CheckpointOptions, tensors: StepTensors, step: number): Record<string, PlainTensor> {
  const expected = derived(step);
  const entries = names.flatMap((name): [string, PlainTensor][] => {
    const value = tensors[name];
    return name === 'latents' || value === undefined || sameValues(value, expected[name]) ? [] : [[name, value]];
  });
  return Object.fromEntries(entries);
}

/** A guidance scale that a callback of the caller's own has set for the next step, as one value in three floats. */
export const guidanceScaleName = 'guidance_scale';

function heldGuidance(controls: RunControls, run: StepEnd): Record<string, PlainTensor> {
  const { nextSigma, nextGuidanceScale: scale, stepIndex, numTimesteps } = run;
  if (nextSigma === null) return {};
  const planned = scaleForStep(controls, stepIndex + 1, numTimesteps, nextSigma);
  if (scale === planned || !(isGuided(scale) || isGuided(planned))) return {};
  const high = Math.fround(scale);
  const middle = Math.fround(scale - high);
  return { [guidanceScaleName]: { dims: [3], data: Float32Array.of(high, middle, scale - high - middle) } };
}

function sameValues(a: Tensor, b: Tensor | undefined): boolean {
  return a === b || (b !== undefined && sameDims(a.dims, b.dims) && Buffer.compare(bytesOf(a), bytesOf(b)) === 0);
}

function bytesOf({ data }: Tensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
