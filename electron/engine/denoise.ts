import { StopbathError } from '../../shared/errors.ts';
import type { StepRecord } from '../../shared/job.ts';
import { composeCallbacks, recordOf, type StepCallback, type StepEnd, type StepPatch } from './callbacks/callback.ts';
import { combineGuidance } from './guidance/combine.ts';
import { type GuidedCalls, type GuidedOutput, type NoiseModel, predictGuided } from './guidance/guidedPrediction.ts';
import { isGuided, unguidedScale } from './guidance/guidanceState.ts';
import { cleanEstimate, type PredictionType } from './guidance/prediction.ts';
import { sigmaOf, type Stepper } from './schedulers/scheduler.ts';
import type { NoiseSource } from './tensor/random.ts';
import { isFiniteTensor, type Tensor } from './tensor/tensor.ts';

export interface DenoisePlan {
  readonly model: NoiseModel;
  readonly guidedCalls: GuidedCalls;
  readonly stepper: Stepper;
  readonly predictionType: PredictionType;
  readonly noise: NoiseSource;
  /** [B, C, h, w]: noise times the stepper's `initNoiseSigma`, or the latents of a checkpoint. */
  readonly latents: Tensor;
  /** [B, tokens, width]; guidance may be switched on at any step, so both are there. */
  readonly promptEmbeds: Tensor;
  readonly negativePromptEmbeds: Tensor;
  /** The scale of the first step; 1 or below: not guided. */
  readonly guidanceScale: number;
  /** 0, or the steps done before a checkpoint. */
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
  latents: Tensor;
  promptEmbeds: Tensor;
  negativePromptEmbeds: Tensor;
  guidanceScale: number;
}

/** One turn of the event loop: without it a waiting stop message is read a whole model call later. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * The loop: guided model call, scheduler step, a turn of the event loop, step end, callbacks, their patch, and again.
 * A stop is seen before every model call, between the two halves of guidance too, and is a normal result.
 * @throws StopbathError `INVALID_INPUT` (unknown tensor name of a callback, before anything runs), `CALLBACK`, `MODEL_NAN`
 * and whatever the model throws.
 */
export async function denoise(plan: DenoisePlan): Promise<DenoiseResult> {
  const callback = composeCallbacks(plan.callbacks);
  const numTimesteps = plan.stepper.timesteps.length;
  const state: State = {
    latents: plan.latents,
    promptEmbeds: plan.promptEmbeds,
    negativePromptEmbeds: plan.negativePromptEmbeds,
    guidanceScale: plan.guidanceScale,
  };
  const steps: StepRecord[] = [];
  let estimate: Tensor | null = null;
  let interrupted = false;
  for (let index = plan.firstStep; index < numTimesteps; index++) {
    const begun = performance.now();
    const end = await runStep(plan, state, index, begun);
    if (end === null) break;
    const record = recordOf(end);
    const { latents } = end;
    state.latents = latents;
    estimate = end.cleanEstimate;
    steps.push(record);
    await turn();
    plan.onStep(record);
    const { promptEmbeds: prompt_embeds, negativePromptEmbeds: negative_prompt_embeds } = state;
    applyPatch(state, await callback(end, { latents, prompt_embeds, negative_prompt_embeds }), () => {
      interrupted = true;
    });
    if (interrupted) break;
    if (index + 1 < numTimesteps) await pace(begun, plan);
  }
  const complete = plan.firstStep + steps.length === numTimesteps;
  const status = plan.signal.aborted ? 'stopped' : complete ? 'finished' : interrupted ? 'interrupted' : 'stopped';
  return { status, latents: state.latents, cleanEstimate: estimate, steps };
}

/** @returns null when a stop came before the step was whole. */
async function runStep(plan: DenoisePlan, state: State, index: number, begun: number): Promise<StepEnd | null> {
  const { stepper } = plan;
  const guided = isGuided(state.guidanceScale);
  const timestep = stepper.timesteps[index] ?? 0;
  const output = await predictGuided(
    plan.model,
    {
      sample: stepper.scaleModelInput(state.latents, index),
      timestep,
      conditional: state.promptEmbeds,
      unconditional: guided ? state.negativePromptEmbeds : null,
    },
    plan.guidedCalls,
    async () => {
      await turn();
      return !plan.signal.aborted;
    },
  );
  if (output === null) return null;
  const combined = guidedOutput(output, state.guidanceScale);
  if (!isFiniteTensor(combined)) throw modelNan(index);
  const level = stepper.level(index);
  const estimate = cleanEstimate(plan.predictionType, combined, state.latents, level);
  const latents = stepper.step({ index, sample: state.latents, cleanEstimate: estimate, noise: plan.noise });
  return {
    stepIndex: index,
    numTimesteps: stepper.timesteps.length,
    timestep,
    sigma: sigmaOf(level),
    guidanceScale: guided ? state.guidanceScale : unguidedScale,
    guided,
    unetEvaluations: guided ? 2 : 1,
    ms: performance.now() - begun,
    unetBatch: output.unetBatch,
    latents,
    cleanEstimate: estimate,
  };
}

function guidedOutput(output: GuidedOutput, scale: number): Tensor {
  if (output.unconditional === null) return output.conditional;
  return combineGuidance(output.unconditional, output.conditional, scale);
}

function applyPatch(state: State, patch: StepPatch, interrupt: () => void): void {
  state.latents = patch.tensors?.latents ?? state.latents;
  state.promptEmbeds = patch.tensors?.prompt_embeds ?? state.promptEmbeds;
  state.negativePromptEmbeds = patch.tensors?.negative_prompt_embeds ?? state.negativePromptEmbeds;
  state.guidanceScale = patch.guidanceScale ?? state.guidanceScale;
  if (patch.interrupt === true) interrupt();
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

function modelNan(index: number): StopbathError {
  return new StopbathError({
    code: 'MODEL_NAN',
    message: `The model gave values that are no numbers at step ${index + 1}.`,
    nextStep: 'Use a full-precision (fp32) version of the model, or another device.',
  });
}
