import type { Checkpoint } from '../../shared/engineProtocol.ts';
import { StopbathError } from '../../shared/errors.ts';
import { batchSize, type GenerationRequest } from '../../shared/generation.ts';
import { maxLineLength, maxLinesAStep, type RunTrace, shallowEvaluations, type StepRecord } from '../../shared/job.ts';
import type { StepEnd } from './callbacks/callback.ts';
import { callbackStates, restoreLoop } from './callbacks/loopState.ts';
import { type SteeredFields, steeredFields } from './callbacks/runControls.ts';
import { cutAt, type LogCut } from './callbacks/steeringLog.ts';
import { denoise, type DenoiseResult } from './denoise.ts';
import type { NoiseModel } from './guidance/condition.ts';
import { scaleForStep } from './guidance/guidanceCurve.ts';
import type { GuidedInput } from './guidance/guidedPrediction.ts';
import { isGuided } from './guidance/guidanceState.ts';
import { ReuseMemory } from './guidance/reuse.ts';
import type { TwoBranchModel } from './guidance/twoBranches.ts';
import type { GenerateCommand, GenerateJob, GenerateSurroundings, Timings } from './generation.ts';
import { jobCallbacks } from './jobCallbacks.ts';
import type { Pipeline } from './pipelines/pipeline.ts';
import type { MemoryPlan } from './pipelines/residency.ts';
import { conditionOf, extrasOf, type RunTensors } from './runTensors.ts';
import type { SandboxedCallback, UserCallbackState } from './sandbox/userCallback.ts';
import { type Course, indexOf, stepsOf } from './schedulers/course.ts';
import { sigmaOf } from './schedulers/scheduler.ts';
import { createHold } from './steering/hold.ts';
import { SteeredRun } from './steering/steeredRun.ts';
import { checkCheckpoint, checkRequest } from './tasks/checkRequest.ts';
import { checkInputs, finishImages } from './tasks/pictureInput.ts';
import { resumeStart } from './tasks/resumeStart.ts';
import { startTask } from './tasks/start.ts';
import { createNoise } from './tensor/noise.ts';
import { tensorFromPlain } from './tensor/tensor.ts';

/** Runs one generation from loading to its last message: `finished` or `stopped`. Failures are thrown. */
export async function runGenerateJob(job: GenerateJob, around: GenerateSurroundings): Promise<void> {
  const begun = performance.now();
  const timings: Timings = { load: 0, textEncode: 0, denoise: 0, sessionRun: 0, preview: 0, decode: 0, total: 0 };
  const { jobId, request, inputs, from } = job.command;
  const { pipeline, provider, memory, loras } = await timed(timings, 'load', around.open);
  checkRequest(request, pipeline);
  checkInputs(request, inputs);
  if (from !== undefined) checkCheckpoint(from, request, pipeline);
  const cut = cutAt(from, request);
  const run = await timed(timings, 'textEncode', () => SteeredRun.begin({ request, pipeline, executed: cut.executed, warn: around.warn, loras }));
  const waits = { ms: 0 };
  const userCallbacks = await openUserCallbacks(job.command, around);
  const result = await runLoop({ job: withAffordablePreviews(job, pipeline, memory), around, pipeline, run, cut, timings, waits, userCallbacks }).finally(() => {
    for (const callback of userCallbacks) callback.dispose();
  });
  if (result.status === 'finished' && job.controls.hasPlanned(Infinity)) {
    around.warn({ code: 'STEERING_TOO_LATE', message: 'Some of what the request steers comes after the last step, and was not done.', nextStep: 'Take it out, or draw with more steps.' });
  }
  const steps = [...(from?.steps ?? []), ...result.steps];
  timings.denoise = result.steps.reduce((sum, step) => sum + step.ms, 0);
  const trace = (status: RunTrace['status']): RunTrace => {
    timings.total = performance.now() - begun - waits.ms;
    const { numTimesteps } = result;
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

/** `auto` decodes where that costs nothing; where the decoder had to be loaded again for each picture it would. */
function withAffordablePreviews(job: GenerateJob, { hasTinyDecoder }: Pipeline, { policy, holdsDecoder }: MemoryPlan): GenerateJob {
  if (job.command.previewMode !== 'auto' || policy === 'keep' || holdsDecoder || hasTinyDecoder === true) return job;
  return { ...job, command: { ...job.command, previewMode: 'linear' } };
}

interface LoopParts {
  readonly job: GenerateJob;
  readonly around: GenerateSurroundings;
  readonly pipeline: Pipeline;
  readonly run: SteeredRun;
  readonly cut: LogCut;
  readonly timings: Timings;
  /** Time the run was paused. */
  readonly waits: { ms: number };
  readonly userCallbacks: readonly SandboxedCallback[];
}

/** The request's callbacks, each in a thread of its own, as they stood where the run goes on. */
async function openUserCallbacks({ request, from, jobId }: GenerateCommand, { emit, log }: GenerateSurroundings): Promise<SandboxedCallback[]> {
  const states = from === undefined ? [] : callbackStates(from.stepper);
  const opened: SandboxedCallback[] = [];
  if (request.callbacks.length === 0) return opened;
  // Most engines never need an interpreter.
  const { createUserCallback } = await import('./sandbox/userCallback.ts');
  try {
    for (const [index, { name, source }] of request.callbacks.entries()) {
      const restored = states[index] as UserCallbackState | undefined;
      opened.push(
        await createUserCallback(source, {
          name,
          seed: request.seed,
          onProblem: ({ stepIndex, line, message }) => emit({ kind: 'callback-problem', jobId, name, stepIndex, line, message }),
          onLog: (lines, stepIndex) => {
            log(lines.map((line) => `${name}: ${line}`).join('\n'));
            emit({ kind: 'callback-log', jobId, name, stepIndex, lines: toldLines(lines) });
          },
          ...(restored === undefined ? {} : { restored }),
        }),
      );
    }
  } catch (error) {
    for (const callback of opened) callback.dispose();
    throw error;
  }
  return opened;
}

/** A page is no log file: the last lines of a call, each cut to what a panel shows. */
function toldLines(lines: readonly string[]): string[] {
  return lines.slice(-maxLinesAStep).map((line) => (line.length <= maxLineLength ? line : `${line.slice(0, maxLineLength - 1)}…`));
}

async function runLoop({ job, around, pipeline, run, cut, timings, waits, userCallbacks }: LoopParts): Promise<DenoiseResult> {
  const { controls, pauses, signal } = job;
  const { request, inputs, from, jobId } = job.command;
  const { course } = run;
  const numTimesteps = stepsOf(course);
  const fields = cut.executed.reduce<SteeredFields>((before, { steering }) => steeredFields(before, steering), request);
  const beginsChanged = from !== undefined && cut.planned.some(({ afterStep }) => afterStep < from.stepsDone);
  if (beginsChanged && from.stepsDone >= numTimesteps) throw nothingLeft();
  controls.begin({ fields, planned: cut.planned, live: cut.live });
  const noise = createNoise(request.noise, request.seed, { count: batchSize(request), mode: request.batchSeeds });
  const reuse = new ReuseMemory(fields.reuse);
  const firstStep = from?.stepsDone ?? 0;
  run.setLoras(firstStep);
  const { stepper, window } = course;
  const start = from === undefined ? await startTask({ request, inputs, pipeline, stepper, window, noise }) : resumeStart(from);
  const tensors: RunTensors = { ...run.conditions.at(firstStep), ...start.tensors };
  const mayGuide = pipeline.unet.guidanceWidth === null;
  const mostCosine = highestCosine(from?.steps ?? []);
  const scaleAt = (stepIndex: number): number =>
    scaleForStep(fields, stepIndex, numTimesteps, sigmaOf(stepper.level(indexOf(course, stepIndex))), mostCosine);
  const firstScale = scaleAt(firstStep);
  let guidance = { guidanceScale: firstScale, guidanceRescale: fields.guidanceRescale };
  if (from !== undefined) {
    guidance = restoreLoop(from.stepper, stepper, reuse);
    noise.restore(from.generator);
  }
  const isEverGuided = mayGuide && Array.from({ length: numTimesteps - firstStep }, (_, at) => scaleAt(firstStep + at)).some(isGuided);
  const callbacks = jobCallbacks({ job, around, pipeline, noise, reuse, run, tensors, start, timings, userCallbacks, firstScale, mostCosine });
  const before = from === undefined ? null : endOfLastStep(from, course);
  return denoise({
    model: timedModel(pipeline.noiseModel, timings),
    guidedCalls: await around.guidedCalls(pipeline.noiseModel, exampleCall(tensors, course, firstStep, isEverGuided)),
    ...course,
    noise,
    tensors,
    known: start.known,
    ...guidance,
    mayGuide,
    reuse,
    ...(pipeline.branches === undefined ? {} : { branches: timedBranches(pipeline.branches, timings) }),
    atStep: (stepIndex) => run.setLoras(stepIndex),
    firstStep,
    ...(before === null ? {} : { before, beginsChanged }),
    ...callbacks,
    onStep: (step) => around.emit({ kind: 'step', jobId, step }),
    signal,
    paceMs: () => controls.paceMs,
    hold: createHold({ jobId, pauses, controls, signal, emit: around.emit, changeBefore: before?.estimateChange ?? null, waits }),
  });
}

function nothingLeft(): StopbathError {
  return new StopbathError({
    code: 'INVALID_INPUT',
    field: 'steering',
    message: 'steering: The run has done its last step, and nothing that is steered there can change it.',
    nextStep: 'Go on from an earlier step.',
  });
}

/** The highest agreement of the two predictions by now: what an end of guidance by evidence goes by. */
function highestCosine(steps: readonly StepRecord[]): number | null {
  return steps.reduce<number | null>((most, { guidanceCosine }) => (guidanceCosine === null ? most : Math.max(most ?? -1, guidanceCosine)), null);
}

/** The last step of a checkpoint as its run saw it. */
function endOfLastStep(from: Checkpoint, course: Course): StepEnd | null {
  const record = from.steps.at(-1);
  if (record === undefined) return null;
  const index = indexOf(course, from.stepsDone);
  return {
    ...record,
    nextSigma: index < course.window.end ? sigmaOf(course.stepper.level(index)) : null,
    unetBatch: 0,
    latents: tensorFromPlain(from.latents),
    cleanEstimate: tensorFromPlain(from.cleanEstimate),
  };
}

/** A call like those to come, for timing both ways of making it. */
function exampleCall(tensors: RunTensors, course: Course, firstStep: number, isGuidedCall: boolean): GuidedInput {
  return {
    sample: tensors.latents,
    timestep: course.stepper.timesteps[indexOf(course, firstStep)] ?? 0,
    conditional: conditionOf(tensors, 'positive'),
    unconditional: isGuidedCall ? conditionOf(tensors, 'negative') : null,
    extras: extrasOf(tensors),
  };
}

/** Saved: what a run guided to its end would have cost more, over the steps that were done. The outermost layers alone are no saved call. */
function evaluationTotals(
  request: GenerationRequest,
  { unet }: Pipeline,
  steps: readonly StepRecord[],
): Pick<RunTrace, 'stepsDone' | 'steps' | 'unetEvaluationsTotal' | 'unetEvaluationsSaved'> {
  const total = steps.reduce((sum, step) => sum + step.unetEvaluations, 0);
  const shallow = steps.reduce((sum, step) => sum + shallowEvaluations(step), 0);
  const full = unet.guidanceWidth === null && isGuided(request.guidanceScale) ? 2 * steps.length : steps.length;
  return {
    stepsDone: steps.length,
    steps: [...steps],
    unetEvaluationsTotal: total,
    unetEvaluationsSaved: Math.max(0, full - total - shallow),
  };
}

function timedModel(model: NoiseModel, timings: Timings): NoiseModel {
  return (...input) => timed(timings, 'sessionRun', () => model(...input));
}

function timedBranches({ whole, shallow }: TwoBranchModel, timings: Timings): TwoBranchModel {
  return {
    whole: (...input) => timed(timings, 'sessionRun', () => whole(...input)),
    shallow: (...input) => timed(timings, 'sessionRun', () => shallow(...input)),
  };
}

async function timed<T>(timings: Timings, name: keyof Timings, work: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  try {
    return await work();
  } finally {
    timings[name] += performance.now() - begun;
  }
}
