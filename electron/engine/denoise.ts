import { StopbathError } from '../../shared/errors.ts';
import type { StepRecord } from '../../shared/job.ts';
import {
  composeCallbacks,
  nextStep,
  type NextStep,
  recordOf,
  type StepCallback,
  type StepEnd,
  type StepPatch,
  tensorInputNames,
  type TensorInputName,
} from './callbacks/callback.ts';
import { relativeChange } from './guidance/agreement.ts';
import type { NoiseModel } from './guidance/condition.ts';
import { askBranches } from './guidance/branchAnswer.ts';
import type { GuidedCalls } from './guidance/guidedPrediction.ts';
import { isGuided, unguidedScale } from './guidance/guidanceState.ts';
import { askModel, type ModelAnswer } from './guidance/modelAnswer.ts';
import { cleanEstimate } from './guidance/prediction.ts';
import type { ReuseMemory } from './guidance/reuse.ts';
import type { TwoBranchModel } from './guidance/twoBranches.ts';
import { blendKnown } from './latents/blend.ts';
import { conditionOf, extrasOf, type RunTensors } from './runTensors.ts';
import { type Course, indexOf, stepsOf } from './schedulers/course.ts';
import { sigmaOf } from './schedulers/scheduler.ts';
import type { NoiseSource } from './tensor/random.ts';
import { isFiniteTensor, type Tensor } from './tensor/tensor.ts';

/** What a UNet that does not take the mask itself needs, to keep the rest of the picture. */
export interface KnownPicture {
  /** [B, C, h, w], model scale. */
  readonly imageLatents: Tensor;
  /** The noise the run began with. */
  readonly noise: Tensor;
}

export interface DenoisePlan extends Course {
  readonly model: NoiseModel;
  readonly guidedCalls: GuidedCalls;
  readonly noise: NoiseSource;
  /** As the first step finds them. Guidance may be switched on at any step, so both its sides are there. */
  readonly tensors: RunTensors;
  /** Not null: after every step, what lies outside `tensors.mask` is put back at the noise level of the next. */
  readonly known: KnownPicture | null;
  /** The scale of the first step; 1 or below: not guided. */
  readonly guidanceScale: number;
  /** phi of `rescaleGuidance`. */
  readonly guidanceRescale: number;
  /** False: the UNet is told its guidance scale (`w_embedding`), and no scale makes two calls of it. */
  readonly mayGuide: boolean;
  /** What stands in for model calls; left out: nothing does. */
  readonly reuse?: ReuseMemory;
  /** The same model where its deep features can be used again; left out: that is never asked for. */
  readonly branches?: TwoBranchModel;
  /** Puts what else the model is told of a step (strengths of LoRAs) as it is at that step; left out: nothing. */
  readonly atStep?: (stepIndex: number) => void;
  /** 0, or the steps done before a checkpoint. */
  readonly firstStep: number;
  /** The last step before `firstStep`, as it ended. */
  readonly before?: StepEnd;
  readonly callbacks: readonly StepCallback[];
  /** Those that are asked again where something is to be changed between two steps: after `before`, and while held. */
  readonly between?: readonly StepCallback[];
  /** Whether `between` is to be asked before the first step: a fork begins with a change. */
  readonly beginsChanged?: boolean;
  readonly onStep: (step: StepRecord) => void;
  readonly signal: AbortSignal;
  /** Least wall time of a step in ms; read again while waiting. */
  readonly paceMs: () => number;
  /**
   * Waits as long as the run is to wait after a step that is not the last one.
   * @returns `changed`: ask `between`, and wait again; `go`: run the next step.
   */
  readonly hold?: (end: StepEnd, next: NextStep) => Promise<'changed' | 'go'>;
}

export interface DenoiseResult {
  /** `interrupted`: a callback ended the run before its last step; `stopped`: the signal did. */
  readonly status: 'finished' | 'interrupted' | 'stopped';
  readonly latents: Tensor;
  /** Of the last step done here; null when none was. */
  readonly cleanEstimate: Tensor | null;
  readonly steps: readonly StepRecord[];
  /** T, as it came out. */
  readonly numTimesteps: number;
}

interface State extends NextStep {
  tensors: RunTensors;
  guidanceScale: number;
  guidanceRescale: number;
  course: Course;
  /** The clean estimate of the step before and how much it had changed there; null before the first step. */
  previous: { readonly estimate: Tensor; readonly change: number | null } | null;
}

/** One turn of the event loop: without it a waiting stop message is read a whole model call later. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The names callbacks of a run with these tensors may ask for. */
export function offeredNames(tensors: RunTensors): readonly TensorInputName[] {
  return tensorInputNames.filter((name) => tensors[name] !== undefined);
}

function apply(state: State, patch: StepPatch): void {
  state.tensors = { ...state.tensors, ...patch.tensors };
  Object.assign(state, nextStep(state, patch));
}

function begun(plan: DenoisePlan): State {
  const { tensors, guidanceScale, guidanceRescale, stepper, window, predictionType, startsAt, before } = plan;
  return {
    tensors,
    guidanceScale,
    guidanceRescale,
    course: { stepper, window, predictionType, ...(startsAt === undefined ? {} : { startsAt }) },
    previous: before === undefined ? null : { estimate: before.cleanEstimate, change: before.estimateChange },
  };
}

/**
 * The loop: guided model call, scheduler step, (known picture put back,) a turn of the event loop, step end, callbacks,
 * their patch, a wait where one is asked for, and again. A stop is seen before every model call, between the two halves of
 * guidance too, and is a normal result.
 * @throws StopbathError `INVALID_INPUT` (unknown tensor name of a callback, before anything runs), `CALLBACK`, `MODEL_NAN`
 * and whatever the model throws.
 */
export async function denoise(plan: DenoisePlan): Promise<DenoiseResult> {
  const offered = offeredNames(plan.tensors);
  const callback = composeCallbacks(plan.callbacks, offered);
  const between = composeCallbacks(plan.between ?? [], offered);
  const state = begun(plan);
  const steps: StepRecord[] = [];
  let estimate: Tensor | null = null;
  let interrupted = false;
  if (plan.beginsChanged === true && plan.before !== undefined) apply(state, await between(plan.before, state.tensors, state));
  for (let stepIndex = plan.firstStep; stepIndex < stepsOf(state.course); stepIndex++) {
    const started = performance.now();
    const end = await runStep(plan, state, stepIndex, started);
    if (end === null) break;
    const record = recordOf(end);
    state.tensors = { ...state.tensors, latents: end.latents };
    state.previous = { estimate: end.cleanEstimate, change: end.estimateChange };
    estimate = end.cleanEstimate;
    steps.push(record);
    await turn();
    plan.onStep(record);
    const patch = await callback(end, state.tensors, state);
    apply(state, patch);
    interrupted = patch.interrupt === true;
    if (interrupted) break;
    if (stepIndex + 1 >= stepsOf(state.course)) continue;
    while (!plan.signal.aborted && (await plan.hold?.(end, state)) === 'changed') apply(state, await between(end, state.tensors, state));
    await pace(started, plan);
  }
  const numTimesteps = stepsOf(state.course);
  const complete = plan.firstStep + steps.length === numTimesteps;
  const status = plan.signal.aborted ? 'stopped' : complete ? 'finished' : interrupted ? 'interrupted' : 'stopped';
  return { status, latents: state.tensors.latents, cleanEstimate: estimate, steps, numTimesteps };
}

/** @returns null when a stop came before the step was whole. */
async function runStep(plan: DenoisePlan, state: State, stepIndex: number, started: number): Promise<StepEnd | null> {
  const { guidanceScale, course, previous } = state;
  const { stepper, window } = course;
  const index = indexOf(course, stepIndex);
  const isLast = index + 1 === window.end;
  const guided = plan.mayGuide && isGuided(guidanceScale);
  const answer = await answerOf(plan, state, stepIndex, guided);
  if (answer === null) return null;
  if (!isFiniteTensor(answer.output)) throw modelNan(stepIndex);
  const done = schedulerStep(plan, state, index, answer.output);
  if (answer.facts.reused !== 'step') plan.reuse?.called(answer.conditional, answer.unconditional, done.estimate, stepper.level(index));
  return {
    stepIndex,
    numTimesteps: stepsOf(course),
    timestep: stepper.timesteps[index] ?? 0,
    sigma: sigmaOf(stepper.level(index)),
    nextSigma: isLast ? null : sigmaOf(stepper.level(index + 1)),
    guidanceScale: guided ? guidanceScale : unguidedScale,
    guided,
    ...answer.facts,
    latents: done.latents,
    cleanEstimate: done.cleanEstimate,
    estimateChange: previous === null ? null : relativeChange(done.cleanEstimate, previous.estimate),
    ms: performance.now() - started,
  };
}

/** Of the model, or of what is known from earlier steps. */
async function answerOf(plan: DenoisePlan, state: State, stepIndex: number, guided: boolean): Promise<ModelAnswer | null> {
  const { tensors, course, previous } = state;
  const { stepper, predictionType } = course;
  const index = indexOf(course, stepIndex);
  const isLast = index + 1 === course.window.end;
  const level = stepper.level(index);
  const mayCall = async (): Promise<boolean> => {
    await turn();
    return !plan.signal.aborted;
  };
  // The last step decides what is left of the finest detail: it is never guessed.
  const known = isLast ? null : plan.reuse?.step(previous?.change ?? null, predictionType, tensors.latents, level);
  if (known !== null && known !== undefined) {
    if (!(await mayCall())) return null;
    const facts = { unetEvaluations: 0, unetBatch: 0, guidanceDistance: null, guidanceCosine: null, reused: 'step' } as const;
    return { conditional: known, unconditional: null, output: known, facts };
  }
  const input = {
    sample: stepper.scaleModelInput(tensors.latents, index),
    timestep: stepper.timesteps[index] ?? 0,
    conditional: conditionOf(tensors, 'positive'),
    unconditional: guided ? conditionOf(tensors, 'negative') : null,
    extras: extrasOf(tensors),
  };
  const { guidanceScale, guidanceRescale } = state;
  const { model, branches, reuse, guidedCalls: calls, atStep = () => undefined } = plan;
  const options = { calls, guidanceScale, guidanceRescale, difference: reuse?.difference() ?? null, mayCall };
  const memory = reuse?.features ?? null;
  if (memory === null) return askModel(model, input, options);
  if (branches === undefined) throw new StopbathError({ code: 'INTERNAL', message: 'Deep features were to be reused of a model that gives none.' });
  return askBranches(branches, input, { ...options, memory, stepIndex, isLast, atStep });
}

/** @returns beside the step's results `estimate`: x0 as the model has it, before anything bounds it or is put back over it */
function schedulerStep(
  { noise, known }: DenoisePlan,
  { course, tensors }: State,
  index: number,
  modelOutput: Tensor,
): Pick<StepEnd, 'latents' | 'cleanEstimate'> & { readonly estimate: Tensor } {
  const { stepper, window, predictionType } = course;
  const { latents: sample, mask } = tensors;
  const estimate = cleanEstimate(predictionType, modelOutput, sample, stepper.level(index));
  const input = { index, sample, modelOutput, cleanEstimate: estimate, noise };
  const shown = stepper.estimate?.(input) ?? estimate;
  const latents = stepper.step(input);
  if (known === null || mask === undefined) return { latents, cleanEstimate: shown, estimate };
  // diffusers leaves the picture clean after the last step of the run, wherever on the schedule that is.
  const { imageLatents } = known;
  const noised = index + 1 < window.end ? stepper.addNoise(imageLatents, known.noise, index + 1) : imageLatents;
  return { latents: blendKnown(latents, noised, mask), cleanEstimate: blendKnown(shown, imageLatents, mask), estimate };
}

/** Short waits, so that a changed pace or a stop counts at once. */
const paceSliceMs = 25;

async function pace(started: number, plan: DenoisePlan): Promise<void> {
  for (;;) {
    const rest = started + plan.paceMs() - performance.now();
    if (rest <= 0 || plan.signal.aborted) return;
    await new Promise((resolve) => setTimeout(resolve, Math.min(rest, paceSliceMs)));
  }
}

function modelNan(stepIndex: number): StopbathError {
  return new StopbathError({
    code: 'MODEL_NAN',
    message: `unet/model.onnx gave values that are no numbers at step ${stepIndex + 1}.`,
    nextStep: 'Use a full-precision (fp32) version of the model, or another device.',
  });
}
