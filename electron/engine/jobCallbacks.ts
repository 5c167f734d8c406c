import type { RgbImage } from '../../shared/engineProtocol.ts';
import { toFailure } from '../../shared/errors.ts';
import type { StepCallback, StepEnd } from './callbacks/callback.ts';
import { checkpointCallback } from './callbacks/checkpoint.ts';
import { previewCallback, type PreviewSource } from './callbacks/preview.ts';
import { promptScheduleCallback } from './callbacks/promptSchedule.ts';
import { type SteeringCallbacks, steeringCallbacks } from './callbacks/steering.ts';
import { type DenoisePlan, offeredNames, turn } from './denoise.ts';
import type { GenerateJob, GenerateSurroundings, Timings } from './generation.ts';
import type { ReuseMemory } from './guidance/reuse.ts';
import { montage } from './images/paste.ts';
import { projectLatents } from './latents/project.ts';
import type { Pipeline } from './pipelines/pipeline.ts';
import type { RunTensors } from './runTensors.ts';
import type { SandboxedCallback } from './sandbox/userCallback.ts';
import type { SteeredRun } from './steering/steeredRun.ts';
import { drawnRegion } from './tasks/pictureInput.ts';
import { imageLatentsName, initialNoiseName } from './tasks/resumeStart.ts';
import type { TaskStart } from './tasks/taskStart.ts';
import type { RestorableNoise } from './tensor/noise.ts';
import type { Tensor } from './tensor/tensor.ts';

export interface JobParts {
  readonly job: GenerateJob;
  readonly around: GenerateSurroundings;
  readonly pipeline: Pipeline;
  readonly noise: RestorableNoise;
  readonly reuse: ReuseMemory;
  readonly run: SteeredRun;
  readonly tensors: RunTensors;
  readonly start: TaskStart;
  readonly timings: Timings;
  /** Of the request. */
  readonly userCallbacks: readonly SandboxedCallback[];
  /** See `SteeringOptions`. */
  readonly firstScale: number;
  readonly mostCosine: number | null;
}

const textNames: ReadonlySet<string> = new Set(['prompt_embeds', 'negative_prompt_embeds', 'add_text_embeds', 'negative_add_text_embeds']);

/**
 * The callbacks of a job in their order: what the request plans, the request's and the caller's own, what is steered, and
 * those that only look on.
 */
export function jobCallbacks(parts: JobParts): Required<Pick<DenoisePlan, 'callbacks' | 'between'>> {
  const { guidance, steering } = steers(parts);
  const loras = loraStrengths(parts);
  const keeps = checkpoints(parts);
  return {
    callbacks: [guidance, promptSchedules(parts), ...parts.userCallbacks, ...parts.job.callbacks, steering, loras, keeps, ...previews(parts)],
    between: [steering, loras, keeps],
  };
}

function steers({ job, around, run, noise, reuse, tensors, firstScale, mostCosine }: JobParts): SteeringCallbacks {
  const { controls, signal, command } = job;
  const { jobId } = command;
  return steeringCallbacks(controls, {
    names: offeredNames(tensors).filter((name) => name === 'latents' || textNames.has(name)),
    firstScale,
    mostCosine,
    onApplied: (applied, afterStep) => around.emit({ kind: 'steered', jobId, steering: applied, afterStep }),
    onRefused: (refused, error) => around.emit({ kind: 'steer-refused', jobId, steering: refused, failure: toFailure(error) }),
    // What the request plans is part of the picture, and is done even where a stop waits: the checkpoint says it was.
    change: (steered, stepIndex, latents, isLive) =>
      run.change(steered, stepIndex, latents, {
        noise,
        reuse,
        mayGoOn: async () => {
          await turn();
          return !isLive || !signal.aborted;
        },
      }),
  });
}

/** Steering may bring a prompt with a schedule at any time, so the run's prompts are looked up at every step. */
function promptSchedules({ run, tensors }: JobParts): StepCallback {
  return {
    name: 'promptSchedule',
    callbackOnStepEndTensorInputs: offeredNames(tensors).filter((name) => textNames.has(name)),
    callbackOnStepEnd: (...input) => {
      const { positive, negative } = run.conditions;
      return promptScheduleCallback(positive, negative).callbackOnStepEnd(...input);
    },
  };
}

/** Behind the steering, which may have changed them: what the next step's LoRAs weigh. */
function loraStrengths({ run }: JobParts): StepCallback {
  return {
    name: 'loraStrengths',
    callbackOnStepEndTensorInputs: [],
    callbackOnStepEnd(step, stepIndex) {
      if (step.nextSigma !== null) run.setLoras(stepIndex + 1);
      return undefined;
    },
  };
}

function checkpoints({ job, around, pipeline, noise, reuse, run, tensors, start, userCallbacks }: JobParts): StepCallback {
  const { request, from, jobId } = job.command;
  const { known } = start;
  return checkpointCallback({
    request,
    modelHash: pipeline.modelHash,
    noise,
    reuse,
    userCallbacks,
    controls: job.controls,
    names: offeredNames(tensors),
    derived: (stepIndex) => run.conditions.at(stepIndex),
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
    montage(source === 'decoder' ? await pipeline.decodePreview(estimate) : projectLatents(estimate, pipeline.latentSpace.preview));
  return [
    previewCallback({
      source: previewMode === 'linear' ? 'linear' : 'decoder',
      ...(previewMode === 'auto' ? { idleMs: (run: StepEnd) => controls.paceMs - run.ms } : {}),
      render,
      emit: (stepIndex, source, image) => around.emit({ kind: 'preview', jobId, stepIndex, source, image, region }),
      warn: (message) => around.warn({ code: 'PREVIEW_FAILED', message, nextStep: 'The picture is not harmed. Other previews can be chosen in the settings.' }),
      isHurried: () => signal.aborted,
      onTime: (ms) => {
        timings.preview += ms;
      },
    }),
  ];
}
