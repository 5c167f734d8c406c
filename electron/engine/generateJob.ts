import type { EngineCommand, EngineMessage } from '../../shared/engineProtocol.ts';
import { batchSize, type GenerationRequest, type ProviderId } from '../../shared/generation.ts';
import type { RunTrace, StepRecord } from '../../shared/job.ts';
import type { StepCallback } from './callbacks/callback.ts';
import type { RunControls } from './callbacks/steering.ts';
import { denoise, type DenoiseResult, type StepWindow } from './denoise.ts';
import type { NoiseModel } from './guidance/condition.ts';
import { scaleForStep } from './guidance/guidanceCurve.ts';
import type { GuidedCalls, GuidedInput } from './guidance/guidedPrediction.ts';
import { isGuided } from './guidance/guidanceState.ts';
import { jobCallbacks } from './jobCallbacks.ts';
import type { Pipeline } from './pipelines/pipeline.ts';
import { conditionOf, extrasOf, type RunTensors } from './runTensors.ts';
import { type LoadedScheduler, loadScheduler } from './schedulers/registry.ts';
import { sigmaOf, type Stepper } from './schedulers/scheduler.ts';
import { checkCheckpoint, checkRequest } from './tasks/checkRequest.ts';
import { checkSampler } from './tasks/checkSampler.ts';
import { type Conditions, encodeConditions } from './tasks/conditions.ts';
import { checkInputs, finishImages } from './tasks/pictureInput.ts';
import { heldGuidanceScale, resumeStart } from './tasks/resumeStart.ts';
import { startTask } from './tasks/start.ts';
import { stepWindow } from './tasks/window.ts';
import { createNoise } from './tensor/noise.ts';

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
  /** Loads the model, or takes the one that is loaded, with all that the request's task needs. */
  readonly open: () => Promise<{ pipeline: Pipeline; provider: ProviderId }>;
  readonly guidedCalls: (model: NoiseModel, example: GuidedInput) => Promise<GuidedCalls>;
}

export type Timings = { -readonly [Name in keyof RunTrace['timingsMs']]: number };

/** Runs one generation from loading to its last message: `finished` or `stopped`. Failures are thrown. */
export async function runGenerateJob(job: GenerateJob, around: GenerateSurroundings): Promise<void> {
  const begun = performance.now();
  const timings: Timings = { load: 0, textEncode: 0, denoise: 0, sessionRun: 0, preview: 0, decode: 0, total: 0 };
  const { jobId, request, inputs, from } = job.command;
  const { pipeline, provider } = await timed(timings, 'load', around.open);
  checkRequest(request, pipeline);
  checkInputs(request, inputs);
  if (from !== undefined) checkCheckpoint(from, request, pipeline);
  const course = plotCourse(request, pipeline);
  const { numTimesteps } = course;
  const conditions = await timed(timings, 'textEncode', () => encodeConditions(request, pipeline, numTimesteps, around.warn));
  const result = await runLoop(job, around, pipeline, course, conditions, timings);
  const steps = [...(from?.steps ?? []), ...result.steps];
  timings.denoise = result.steps.reduce((sum, step) => sum + step.ms, 0);
  const trace = (status: RunTrace['status']): RunTrace => {
    timings.total = performance.now() - begun;
    return { status, numTimesteps, ...evaluationTotals(request, pipeline, steps), provider, seed: request.seed, timingsMs: timings };
  };
  if (result.status !== 'finished') {
    around.emit({ kind: 'stopped', jobId, trace: trace('stopped') });
    return;
  }
  around.emit({ kind: 'decoding', jobId });
  const images = await timed(timings, 'decode', async () => finishImages(await pipeline.decode(result.latents), request, inputs));
  around.emit({ kind: 'finished', jobId, images, trace: trace('finished') });
}

/** What a request and a model's scheduler make of each other, before anything is computed. */
interface Course {
  readonly config: LoadedScheduler['config'];
  readonly stepper: Stepper;
  readonly window: StepWindow;
  /** T: the model calls the run takes, guidance aside. */
  readonly numTimesteps: number;
}

function plotCourse(request: GenerationRequest, pipeline: Pipeline): Course {
  const { scheduler, sigmaSchedule, timestepSpacing, eta, timesteps, sigmas } = request;
  const options = { sigmaSchedule, timestepSpacing, eta, family: pipeline.family };
  const file = pipeline.schedulerFile(request.task);
  const loaded = loadScheduler(scheduler, file, options);
  checkSampler(request, file, loaded.config);
  const plan = loaded.plan(request.steps, {
    ...(timesteps === null ? {} : { timesteps }),
    ...(sigmas === null ? {} : { sigmas }),
  });
  const stepper = loaded.scheduler.createStepper(loaded.config, plan);
  const window = stepWindow(request, plan, stepper, loaded.config.numTrainTimesteps);
  return { config: loaded.config, stepper, window, numTimesteps: window.end - window.begin };
}

async function runLoop(
  job: GenerateJob,
  around: GenerateSurroundings,
  pipeline: Pipeline,
  course: Course,
  conditions: Conditions,
  timings: Timings,
): Promise<DenoiseResult> {
  const { controls, signal } = job;
  const { request, inputs, from, jobId } = job.command;
  const { stepper, window, numTimesteps, config } = course;
  const noise = createNoise(request.noise, request.seed, { count: batchSize(request), mode: request.batchSeeds });
  const firstStep = from?.stepsDone ?? 0;
  const start = from === undefined
    ? await startTask({ request, inputs, pipeline, stepper, window, noise })
    : resumeStart(from, request, stepper, noise);
  const tensors: RunTensors = { ...conditions.at(firstStep), ...start.tensors };
  const mayGuide = pipeline.unet.guidanceWidth === null;
  const scaleAt = (stepIndex: number): number =>
    scaleForStep(controls, stepIndex, numTimesteps, sigmaOf(stepper.level(window.begin + stepIndex)));
  const isEverGuided = mayGuide && Array.from({ length: numTimesteps }, (_, stepIndex) => scaleAt(stepIndex)).some(isGuided);
  return denoise({
    model: timedModel(pipeline.noiseModel, timings),
    guidedCalls: await around.guidedCalls(pipeline.noiseModel, exampleCall(tensors, course, firstStep, isEverGuided)),
    stepper,
    window,
    predictionType: config.predictionType,
    noise,
    tensors,
    known: start.known,
    guidanceScale: (from === undefined ? null : heldGuidanceScale(from, request)) ?? scaleAt(firstStep),
    guidanceRescale: request.guidanceRescale,
    mayGuide,
    firstStep,
    callbacks: jobCallbacks({ job, around, pipeline, stepper, noise, conditions, tensors, start, timings }),
    onStep: (step) => around.emit({ kind: 'step', jobId, step }),
    signal,
    paceMs: () => controls.paceMs,
  });
}

/** A call like those to come, for timing both ways of making it. */
function exampleCall(tensors: RunTensors, { stepper, window }: Course, firstStep: number, isGuidedCall: boolean): GuidedInput {
  return {
    sample: tensors.latents,
    timestep: stepper.timesteps[window.begin + firstStep] ?? 0,
    conditional: conditionOf(tensors, 'positive'),
    unconditional: isGuidedCall ? conditionOf(tensors, 'negative') : null,
    extras: extrasOf(tensors),
  };
}

/** Saved: what a run guided to its end would have cost more, over the steps that were done. */
function evaluationTotals(
  request: GenerationRequest,
  { unet }: Pipeline,
  steps: readonly StepRecord[],
): Pick<RunTrace, 'stepsDone' | 'steps' | 'unetEvaluationsTotal' | 'unetEvaluationsSaved'> {
  const total = steps.reduce((sum, step) => sum + step.unetEvaluations, 0);
  const full = unet.guidanceWidth === null && isGuided(request.guidanceScale) ? 2 * steps.length : steps.length;
  return {
    stepsDone: steps.length,
    steps: [...steps],
    unetEvaluationsTotal: total,
    unetEvaluationsSaved: Math.max(0, full - total),
  };
}

function timedModel(model: NoiseModel, timings: Timings): NoiseModel {
  return (...input) => timed(timings, 'sessionRun', () => model(...input));
}

async function timed<T>(timings: Timings, name: keyof Timings, work: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  try {
    return await work();
  } finally {
    timings[name] += performance.now() - begun;
  }
}
