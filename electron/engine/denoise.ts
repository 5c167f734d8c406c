import { StopbathError } from '../../shared/errors.ts';
import type { StepRecord } from '../../shared/job.ts';
import { composeCallbacks, recordOf, type StepCallback, type StepEnd, tensorInputNames, type TensorInputName } from './callbacks/callback.ts';
import { combineGuidance, rescaleGuidance } from './guidance/combine.ts';
import type { NoiseModel } from './guidance/condition.ts';
import { type GuidedCalls, type GuidedOutput, predictGuided } from './guidance/guidedPrediction.ts';
import { isGuided, unguidedScale } from './guidance/guidanceState.ts';
import { cleanEstimate, type PredictionType } from './guidance/prediction.ts';
import { blendKnown } from './latents/blend.ts';
import { conditionOf, extrasOf, type RunTensors } from './runTensors.ts';
import { sigmaOf, type Stepper } from './schedulers/scheduler.ts';
import type { NoiseSource } from './tensor/random.ts';
import { isFiniteTensor, type Tensor } from './tensor/tensor.ts';

/** The part of a stepper's list that a run takes: from `begin` up to, not including, `end`. */
export interface StepWindow {
  readonly begin: number;
  readonly end: number;
}

/** What a UNet that does not take the mask itself needs, to keep the rest of the picture. */
export interface KnownPicture {
  /** [B, C, h, w], model scale. */
  readonly imageLatents: Tensor;
  /** The noise the run began with. */
  readonly noise: Tensor;
}

export interface DenoisePlan {
  readonly model: NoiseModel;
  readonly guidedCalls: GuidedCalls;
  readonly stepper: Stepper;
  readonly window: StepWindow;
  readonly predictionType: PredictionType;
  readonly noise: NoiseSource;
  /** As the first step finds them. Guidance may be switched on at any step, so both its sides are there. */
  readonly tensors: RunTensors;
  /** Not null: after every step, what lies outside `tensors.mask` is put back at the noise level of the next. */
  readonly known: KnownPicture | null;
  /** The scale of the first step; 1 or below: not guided. */
  readonly guidanceScale: number;
  /** phi of {@link rescaleGuidance}. */
  readonly guidanceRescale: number;
  /** False: the UNet is told its guidance scale (`w_embedding`), and no scale makes two calls of it. */
  readonly mayGuide: boolean;
  /** 0, or the steps of the window done before a checkpoint. */
  readonly firstStep: number;
  readonly callbacks: readonly StepCallback[];
  readonly onStep: (step: StepRecord) => void;
  readonly signal: AbortSignal;
  /** Least wall time of a step in ms; read again while waiting. */
  readonly paceMs: () => number;
}

export interface DenoiseResult {
  /** `interrupted`: a callback ended the run before its last step; `stopped`: the signal did. */
  readonly status: 'finished' | 'interrupted' | 'stopped';
  readonly latents: Tensor;
  /** Of the last step done here; null when none was. */
  readonly cleanEstimate: Tensor | null;
  readonly steps: readonly StepRecord[];
}

interface State {
  tensors: RunTensors;
  guidanceScale: number;
}

/** One turn of the event loop: without it a waiting stop message is read a whole model call later. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The names callbacks of a run with these tensors may ask for. */
export function offeredNames(tensors: RunTensors): readonly TensorInputName[] {
  return tensorInputNames.filter((name) => tensors[name] !== undefined);
}

/**
 * The loop: guided model call, scheduler step, (known picture put back,) a turn of the event loop, step end, callbacks,
 * their patch, and again. A stop is seen before every model call, between the two halves of guidance too, and is a normal
 * result.
 * @throws StopbathError `INVALID_INPUT` (unknown tensor name of a callback, before anything runs), `CALLBACK`, `MODEL_NAN`
 * and whatever the model throws.
 */
export async function denoise(plan: DenoisePlan): Promise<DenoiseResult> {
  const callback = composeCallbacks(plan.callbacks, offeredNames(plan.tensors));
  const numTimesteps = plan.window.end - plan.window.begin;
  const state: State = { tensors: plan.tensors, guidanceScale: plan.guidanceScale };
  const steps: StepRecord[] = [];
  let estimate: Tensor | null = null;
  let interrupted = false;
  for (let stepIndex = plan.firstStep; stepIndex < numTimesteps; stepIndex++) {
    const begun = performance.now();
    const end = await runStep(plan, state, stepIndex, begun);
    if (end === null) break;
    const record = recordOf(end);
    state.tensors = { ...state.tensors, latents: end.latents };
    estimate = end.cleanEstimate;
    steps.push(record);
    await turn();
    plan.onStep(record);
    const patch = await callback(end, state.tensors);
    state.tensors = { ...state.tensors, ...patch.tensors };
    state.guidanceScale = patch.guidanceScale ?? state.guidanceScale;
    interrupted = patch.interrupt === true;
    if (interrupted) break;
    if (stepIndex + 1 < numTimesteps) await pace(begun, plan);
  }
  const complete = plan.firstStep + steps.length === numTimesteps;
  const status = plan.signal.aborted ? 'stopped' : complete ? 'finished' : interrupted ? 'interrupted' : 'stopped';
  return { status, latents: state.tensors.latents, cleanEstimate: estimate, steps };
}

/** @returns null when a stop came before the step was whole. */
async function runStep(plan: DenoisePlan, { tensors, guidanceScale }: State, stepIndex: number, begun: number): Promise<StepEnd | null> {
  const { stepper, window } = plan;
  const index = window.begin + stepIndex;
  const guided = plan.mayGuide && isGuided(guidanceScale);
  const timestep = stepper.timesteps[index] ?? 0;
  const output = await predictGuided(
    plan.model,
    {
      sample: stepper.scaleModelInput(tensors.latents, index),
      timestep,
      conditional: conditionOf(tensors, 'positive'),
      unconditional: guided ? conditionOf(tensors, 'negative') : null,
      extras: extrasOf(tensors),
    },
    plan.guidedCalls,
    async () => {
      await turn();
      return !plan.signal.aborted;
    },
  );
  if (output === null) return null;
  const modelOutput = guidedOutput(output, guidanceScale, plan.guidanceRescale);
  if (!isFiniteTensor(modelOutput)) throw modelNan(stepIndex);
  const isLast = index + 1 === window.end;
  return {
    stepIndex,
    numTimesteps: window.end - window.begin,
    timestep,
    sigma: sigmaOf(stepper.level(index)),
    nextSigma: isLast ? null : sigmaOf(stepper.level(index + 1)),
    nextGuidanceScale: guidanceScale,
    guidanceScale: guided ? guidanceScale : unguidedScale,
    guided,
    unetEvaluations: guided ? 2 : 1,
    unetBatch: output.unetBatch,
    ...schedulerStep(plan, tensors, index, modelOutput),
    ms: performance.now() - begun,
  };
}

function guidedOutput({ unconditional, conditional }: GuidedOutput, scale: number, phi: number): Tensor {
  if (unconditional === null) return conditional;
  const combined = combineGuidance(unconditional, conditional, scale);
  return phi > 0 ? rescaleGuidance(combined, conditional, phi) : combined;
}

function schedulerStep(
  { stepper, window, predictionType, noise, known }: DenoisePlan,
  { latents: sample, mask }: RunTensors,
  index: number,
  modelOutput: Tensor,
): Pick<StepEnd, 'latents' | 'cleanEstimate'> {
  const estimate = cleanEstimate(predictionType, modelOutput, sample, stepper.level(index));
  const input = { index, sample, modelOutput, cleanEstimate: estimate, noise };
  const shown = stepper.estimate?.(input) ?? estimate;
  const latents = stepper.step(input);
  if (known === null || mask === undefined) return { latents, cleanEstimate: shown };
  // diffusers leaves the picture clean after the last step of the run, wherever on the schedule that is.
  const { imageLatents } = known;
  const noised = index + 1 < window.end ? stepper.addNoise(imageLatents, known.noise, index + 1) : imageLatents;
  return { latents: blendKnown(latents, noised, mask), cleanEstimate: blendKnown(shown, imageLatents, mask) };
}

/** Short waits, so that a changed pace or a stop counts at once. */
const paceSliceMs = 25;

async function pace(begun: number, plan: DenoisePlan): Promise<void> {
  for (;;) {
    const rest = begun + plan.paceMs() - performance.now();
    if (rest <= 0 || plan.signal.aborted) return;
    await new Promise((resolve) => setTimeout(resolve, Math.min(rest, paceSliceMs)));
  }
}

function modelNan(stepIndex: number): StopbathError {
  return new StopbathError({
    code: 'MODEL_NAN',
    message: `The model gave values that are no numbers at step ${stepIndex + 1}.`,
    nextStep: 'Use a full-precision (fp32) version of the model, or another device.',
  });
}
