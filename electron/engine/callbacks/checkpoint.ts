import type { Checkpoint } from '../../../shared/engineProtocol.ts';
import type { StepRecord } from '../../../shared/job.ts';
import type { Stepper } from '../schedulers/scheduler.ts';
import type { TorchGenerator } from '../tensor/random.ts';
import { recordOf, type StepCallback } from './callback.ts';
import type { RunControls } from './steering.ts';

export interface CheckpointOptions {
  readonly request: Checkpoint['request'];
  readonly modelHash: string;
  readonly stepper: Stepper;
  readonly generator: TorchGenerator;
  readonly controls: RunControls;
  /** Steps of this job done before it was resumed. */
  readonly earlierSteps: readonly StepRecord[];
  readonly emit: (checkpoint: Checkpoint) => void;
}

/** Lets every step leave the process as a checkpoint. Belongs last in the list, so that it sees what others changed. */
export function checkpointCallback(options: CheckpointOptions): StepCallback {
  const steps = [...options.earlierSteps];
  return {
    name: 'checkpoint',
    callbackOnStepEndTensorInputs: ['latents'],
    callbackOnStepEnd(run, stepIndex, _timestep, tensors) {
      steps.push(recordOf(run));
      options.emit({
        version: 1,
        request: options.request,
        modelHash: options.modelHash,
        stepsDone: stepIndex + 1,
        numTimesteps: run.numTimesteps,
        latents: tensors.latents ?? run.latents,
        cleanEstimate: run.cleanEstimate,
        stepper: options.stepper.snapshot(),
        generator: options.generator.snapshot(),
        guidanceScale: options.controls.guidanceScale,
        guidanceEnd: options.controls.guidanceEnd,
        steps: [...steps],
      });
      return undefined;
    },
  };
}
