import type { RgbImage } from '../../shared/engineProtocol.ts';
import type { Steering } from '../../shared/job.ts';
import type { StepCallback, StepEnd } from './callbacks/callback.ts';
import { checkpointCallback } from './callbacks/checkpoint.ts';
import { previewCallback, type PreviewSource } from './callbacks/preview.ts';
import { promptScheduleCallback } from './callbacks/promptSchedule.ts';
import { steeringCallback } from './callbacks/steering.ts';
import { offeredNames } from './denoise.ts';
import type { GenerateJob, GenerateSurroundings, Timings } from './generateJob.ts';
import { montage } from './images/paste.ts';
import { projectLatents } from './latents/project.ts';
import type { Pipeline } from './pipelines/pipeline.ts';
import type { RunTensors } from './runTensors.ts';
import type { Stepper } from './schedulers/scheduler.ts';
import { type Conditions, isScheduled } from './tasks/conditions.ts';
import { drawnRegion } from './tasks/pictureInput.ts';
import { imageLatentsName, initialNoiseName } from './tasks/resumeStart.ts';
import type { TaskStart } from './tasks/start.ts';
import type { RestorableNoise } from './tensor/noise.ts';
import type { Tensor } from './tensor/tensor.ts';

export interface JobParts {
  readonly job: GenerateJob;
  readonly around: GenerateSurroundings;
  readonly pipeline: Pipeline;
  readonly stepper: Stepper;
  readonly noise: RestorableNoise;
  readonly conditions: Conditions;
  readonly tensors: RunTensors;
  readonly start: TaskStart;
  readonly timings: Timings;
}

/** The callbacks of a job in their order: what steers, the caller's own, and those that only look on. */
export function jobCallbacks(parts: JobParts): readonly StepCallback[] {
  const { job, around, conditions } = parts;
  const { controls, command } = job;
  const onSteered = (steering: Steering, afterStep: number): void => {
    around.emit({ kind: 'steered', jobId: command.jobId, steering, afterStep });
  };
  return [
    steeringCallback(controls, onSteered),
    ...(isScheduled(conditions) ? [promptScheduleCallback(conditions.positive, conditions.negative)] : []),
    ...job.callbacks,
    checkpoints(parts),
    ...previews(parts),
  ];
}

function checkpoints({ job, around, pipeline, stepper, noise, conditions, tensors, start }: JobParts): StepCallback {
  const { request, from, jobId } = job.command;
  const { known } = start;
  return checkpointCallback({
    request,
    modelHash: pipeline.modelHash,
    stepper,
    noise,
    controls: job.controls,
    names: offeredNames(tensors),
    derived: (stepIndex) => conditions.at(stepIndex),
    kept: known === null ? {} : { [imageLatentsName]: known.imageLatents, [initialNoiseName]: known.noise },
    earlierSteps: from?.steps ?? [],
    emit: (checkpoint) => around.emit({ kind: 'checkpoint', jobId, checkpoint }),
  });
}

function previews({ job, around, pipeline, timings }: JobParts): StepCallback[] {
  const { controls, signal, command } = job;
  const { previewMode, jobId, request, inputs } = command;
  if (previewMode === 'off') return [];
  const region = drawnRegion(request, inputs);
  const render = async (estimate: Tensor, source: PreviewSource): Promise<RgbImage> =>
    montage(source === 'decoder' ? await pipeline.decode(estimate) : projectLatents(estimate, pipeline.latentSpace.preview));
  return [
    previewCallback({
      source: previewMode === 'linear' ? 'linear' : 'decoder',
      ...(previewMode === 'auto' ? { idleMs: (run: StepEnd) => controls.paceMs - run.ms } : {}),
      render,
      emit: (stepIndex, source, image) => around.emit({ kind: 'preview', jobId, stepIndex, source, image, region }),
      warn: around.warn,
      isHurried: () => signal.aborted,
      onTime: (ms) => {
        timings.preview += ms;
      },
    }),
  ];
}
