import type { Checkpoint, EngineCommand, EngineMessage } from '../../shared/engineProtocol.ts';
import { StopbathError } from '../../shared/errors.ts';
import type { GenerationRequest, ProviderId } from '../../shared/generation.ts';
import type { RunTrace, StepRecord, Steering } from '../../shared/job.ts';
import type { StepCallback, StepEnd } from './callbacks/callback.ts';
import { cfgCutoffCallback } from './callbacks/cfgCutoff.ts';
import { checkpointCallback } from './callbacks/checkpoint.ts';
import { previewCallback } from './callbacks/preview.ts';
import { type RunControls, steeringCallback } from './callbacks/steering.ts';
import { denoise, type DenoiseResult } from './denoise.ts';
import type { GuidedCalls, GuidedInput, NoiseModel } from './guidance/guidedPrediction.ts';
import { isGuided, isWithinGuidance, scaleAt } from './guidance/guidanceState.ts';
import { projectLatents } from './latents/project.ts';
import type { Pipeline } from './pipelines/pipeline.ts';
import { loadScheduler } from './schedulers/registry.ts';
import type { Stepper } from './schedulers/scheduler.ts';
import { TorchGenerator } from './tensor/random.ts';
import { mapTensor, type Tensor, tensorFromPlain } from './tensor/tensor.ts';

export type GenerateCommand = Extract<EngineCommand, { kind: 'generate' }>;

/** A generation the engine has taken on. */
export interface GenerateJob {
  readonly command: GenerateCommand;
  readonly controls: RunControls;
  readonly signal: AbortSignal;
  /** Callbacks beyond the engine's own; they come before the checkpoint, which sees what they changed. */
  readonly callbacks: readonly StepCallback[];
}

export interface GenerateSurroundings {
  readonly emit: (message: EngineMessage) => void;
  readonly warn: (text: string) => void;
  /** Loads the model, or takes the one that is loaded. */
  readonly open: () => Promise<{ pipeline: Pipeline; provider: ProviderId }>;
  readonly guidedCalls: (model: NoiseModel, example: GuidedInput) => Promise<GuidedCalls>;
}

type Timings = { -readonly [Name in keyof RunTrace['timingsMs']]: number };

/** Runs one generation from loading to its last message: `finished` or `stopped`. Failures are thrown. */
export async function runGenerateJob(job: GenerateJob, around: GenerateSurroundings): Promise<void> {
  const begun = performance.now();
  const timings: Timings = { load: 0, textEncode: 0, denoise: 0, sessionRun: 0, preview: 0, decode: 0, total: 0 };
  const { jobId, request, from } = job.command;
  const { pipeline, provider } = await timed(timings, 'load', around.open);
  checkRequest(request, pipeline);
  if (from !== undefined) checkCheckpoint(from, request, pipeline);
  const texts = await timed(timings, 'textEncode', async () => ({
    prompt: await encoded('prompt', request.prompt, pipeline, around.warn),
    negative: await encoded('negative prompt', request.negativePrompt ?? '', pipeline, around.warn),
  }));
  const { numTimesteps, result } = await runLoop(job, around, pipeline, texts, timings);
  const steps = [...(from?.steps ?? []), ...result.steps];
  timings.denoise = result.steps.reduce((sum, step) => sum + step.ms, 0);
  const trace = (status: RunTrace['status']): RunTrace => {
    timings.total = performance.now() - begun;
    return { status, numTimesteps, ...evaluationTotals(request, steps), provider, seed: request.seed, timingsMs: timings };
  };
  if (result.status !== 'finished') {
    around.emit({ kind: 'stopped', jobId, trace: trace('stopped') });
    return;
  }
  around.emit({ kind: 'decoding', jobId });
  const image = await timed(timings, 'decode', () => pipeline.decode(result.latents));
  around.emit({ kind: 'finished', jobId, image, trace: trace('finished') });
}

async function encoded(name: string, text: string, pipeline: Pipeline, warn: (text: string) => void): Promise<Tensor> {
  const { embeds, truncated } = await pipeline.encodePrompt(text);
  if (truncated > 0) warn(`The ${name} is too long for this model: its last ${truncated} tokens are left out.`);
  return embeds;
}

async function runLoop(
  job: GenerateJob,
  around: GenerateSurroundings,
  pipeline: Pipeline,
  texts: { prompt: Tensor; negative: Tensor },
  timings: Timings,
): Promise<{ numTimesteps: number; result: DenoiseResult }> {
  const { controls } = job;
  const { request, from, jobId } = job.command;
  const { scheduler, config } = loadScheduler(request.scheduler, pipeline.schedulerFile);
  const stepper = scheduler.createStepper(config, request.steps);
  const numTimesteps = stepper.timesteps.length;
  const generator = new TorchGenerator(request.seed);
  const latents = from === undefined ? firstLatents(request, pipeline, stepper, generator) : resumed(from, stepper, generator);
  const firstStep = from?.stepsDone ?? 0;
  const scale = scaleAt(controls.guidanceScale, controls.guidanceEnd, firstStep, numTimesteps);
  const cutBefore = !isWithinGuidance(controls.guidanceEnd, firstStep, numTimesteps);
  const onSteered = (steering: Steering, afterStep: number): void => {
    around.emit({ kind: 'steered', jobId, steering, afterStep });
  };
  const result = await denoise({
    model: timedModel(pipeline.noiseModel, timings),
    guidedCalls: await around.guidedCalls(pipeline.noiseModel, {
      sample: latents,
      timestep: stepper.timesteps[firstStep] ?? 0,
      conditional: texts.prompt,
      unconditional: isGuided(scale) ? texts.negative : null,
    }),
    stepper,
    predictionType: config.predictionType,
    noise: generator,
    latents,
    promptEmbeds: texts.prompt,
    negativePromptEmbeds: texts.negative,
    guidanceScale: scale,
    firstStep,
    callbacks: [
      steeringCallback(controls, onSteered),
      cfgCutoffCallback(controls, cutBefore),
      ...job.callbacks,
      checkpointCallback({
        request,
        modelHash: pipeline.modelHash,
        stepper,
        generator,
        controls,
        earlierSteps: from?.steps ?? [],
        emit: (checkpoint) => around.emit({ kind: 'checkpoint', jobId, checkpoint }),
      }),
      ...previews(job, around, pipeline, timings, controls),
    ],
    onStep: (step) => around.emit({ kind: 'step', jobId, step }),
    signal: job.signal,
    paceMs: () => controls.paceMs,
  });
  return { numTimesteps, result };
}

function previews(
  { command: { previewMode, jobId }, signal }: GenerateJob,
  around: GenerateSurroundings,
  pipeline: Pipeline,
  timings: Timings,
  controls: { readonly paceMs: number },
): StepCallback[] {
  if (previewMode === 'off') return [];
  return [
    previewCallback({
      source: previewMode === 'linear' ? 'linear' : 'decoder',
      ...(previewMode === 'auto' ? { idleMs: (run: StepEnd) => controls.paceMs - run.ms } : {}),
      render: (estimate, source) =>
        source === 'decoder' ? pipeline.decode(estimate) : projectLatents(estimate, pipeline.latentSpace.preview),
      emit: (stepIndex, source, image) => around.emit({ kind: 'preview', jobId, stepIndex, source, image }),
      warn: around.warn,
      isHurried: () => signal.aborted,
      onTime: (ms) => {
        timings.preview += ms;
      },
    }),
  ];
}

function firstLatents(request: GenerationRequest, pipeline: Pipeline, stepper: Stepper, generator: TorchGenerator): Tensor {
  const { channels, pixelFactor } = pipeline.latentSpace;
  const noise = generator.normal([1, channels, request.height / pixelFactor, request.width / pixelFactor]);
  return mapTensor(noise, (value) => value * stepper.initNoiseSigma);
}

function resumed(from: Checkpoint, stepper: Stepper, generator: TorchGenerator): Tensor {
  stepper.restore(from.stepper);
  generator.restore(from.generator);
  return tensorFromPlain(from.latents);
}

/** @throws StopbathError `INVALID_INPUT` naming the side the model cannot draw. */
function checkRequest(request: GenerationRequest, { sizeMultiple, modelName }: Pipeline): void {
  for (const field of ['width', 'height'] as const) {
    const side = request[field];
    if (side % sizeMultiple === 0) continue;
    throw new StopbathError({
      code: 'INVALID_INPUT',
      field,
      message: `${field}: ${modelName} draws sizes that are multiples of ${sizeMultiple}.`,
      nextStep: `Set the ${field} to ${Math.max(sizeMultiple, Math.round(side / sizeMultiple) * sizeMultiple)}.`,
    });
  }
}

/** @throws StopbathError `INVALID_INPUT` when going on would not continue the same picture. */
function checkCheckpoint(from: Checkpoint, request: GenerationRequest, pipeline: Pipeline): void {
  const refuse = (message: string): never => {
    throw new StopbathError({ code: 'INVALID_INPUT', message, nextStep: 'Start the picture anew.' });
  };
  if (from.modelHash !== pipeline.modelHash) refuse('The run was begun with other model weights.');
  for (const field of ['width', 'height', 'steps', 'scheduler', 'seed'] as const) {
    if (from.request[field] !== request[field]) refuse(`The run was begun with another ${field}.`);
  }
}

/** Saved: what a run guided to its end would have cost more, over the steps that were done. */
function evaluationTotals(
  request: GenerationRequest,
  steps: readonly StepRecord[],
): Pick<RunTrace, 'stepsDone' | 'steps' | 'unetEvaluationsTotal' | 'unetEvaluationsSaved'> {
  const total = steps.reduce((sum, step) => sum + step.unetEvaluations, 0);
  const full = isGuided(request.guidanceScale) ? 2 * steps.length : steps.length;
  return {
    stepsDone: steps.length,
    steps: [...steps],
    unetEvaluationsTotal: total,
    unetEvaluationsSaved: Math.max(0, full - total),
  };
}

function timedModel(model: NoiseModel, timings: Timings): NoiseModel {
  return (sample, timestep, embeds) => timed(timings, 'sessionRun', () => model(sample, timestep, embeds));
}

async function timed<T>(timings: Timings, name: keyof Timings, work: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  try {
    return await work();
  } finally {
    timings[name] += performance.now() - begun;
  }
}
