import type { Checkpoint, PlainTensor } from '../../../shared/engineProtocol.ts';
import { StopbathError } from '../../../shared/errors.ts';
import type { StepRecord } from '../../../shared/job.ts';
import type { ReuseMemory } from '../guidance/reuse.ts';
import { stepsOf } from '../schedulers/course.ts';
import type { RestorableNoise } from '../tensor/noise.ts';
import { sameDims, type Tensor } from '../tensor/tensor.ts';
import { recordOf, type StepCallback, type StepTensors, type TensorInputName } from './callback.ts';
import { loopState, type Snapshotting } from './loopState.ts';
import type { RunControls } from './runControls.ts';

export interface CheckpointOptions {
  readonly request: Checkpoint['request'];
  readonly modelHash: string;
  readonly noise: RestorableNoise;
  readonly reuse: ReuseMemory;
  /** Callbacks with a state of their own. */
  readonly userCallbacks: readonly Snapshotting[];
  readonly controls: RunControls;
  /** The names the run has. */
  readonly names: readonly TensorInputName[];
  /** The tensors a resumed run works out again from request and log for a step: those are not kept unless they were replaced. */
  readonly derived: (stepIndex: number) => StepTensors;
  /** Kept as they are, beside the tensors that have names for callbacks. */
  readonly kept: Readonly<Record<string, PlainTensor>>;
  /** Steps of this job done before it was resumed. */
  readonly earlierSteps: readonly StepRecord[];
  readonly emit: (checkpoint: Checkpoint) => void;
}

/**
 * Lets every step leave the process as a checkpoint. Belongs last in the list, so that it sees what others changed. Asked
 * again after the same step, it gives that step's checkpoint anew.
 */
export function checkpointCallback(options: CheckpointOptions): StepCallback {
  const steps = [...options.earlierSteps];
  return {
    name: 'checkpoint',
    callbackOnStepEndTensorInputs: options.names,
    callbackOnStepEnd(run, stepIndex, _timestep, tensors, next) {
      if (next === undefined) throw new StopbathError({ code: 'INTERNAL', message: 'A checkpoint was asked for outside a run.' });
      if (steps.at(-1)?.stepIndex !== stepIndex) steps.push(recordOf(run));
      options.emit({
        version: 3,
        request: options.request,
        modelHash: options.modelHash,
        stepsDone: stepIndex + 1,
        numTimesteps: stepsOf(next.course),
        latents: tensors.latents ?? run.latents,
        cleanEstimate: run.cleanEstimate,
        stepper: loopState(next, options.reuse, options.userCallbacks),
        generator: options.noise.snapshot(),
        tensors: { ...options.kept, ...replaced(options, tensors, run.nextSigma === null ? stepIndex : stepIndex + 1) },
        log: options.controls.log,
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

function sameValues(a: Tensor, b: Tensor | undefined): boolean {
  return a === b || (b !== undefined && sameDims(a.dims, b.dims) && Buffer.compare(bytesOf(a), bytesOf(b)) === 0);
}

function bytesOf({ data }: Tensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
