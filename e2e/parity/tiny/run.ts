import type {
  StepCallback,
  StepEnd,
  StepPatch,
  StepTensors,
  TensorInputName,
} from '../../../electron/engine/callbacks/callback.ts';
import { checkpointsOf, ofKind, type Rig } from '../../../electron/engine/testing/engineRig.ts';
import { mapTensor, type Tensor, tensor } from '../../../electron/engine/tensor/tensor.ts';
import type { RgbImage } from '../../../shared/engineProtocol.ts';
import { StopbathError } from '../../../shared/errors.ts';
import { type GoldenAction, type GoldenCase, goldenFloats, type TensorRef } from './goldens.ts';
import { inputsOf, requestOf } from './request.ts';

/** One step as our callback saw it. */
export interface SeenStep {
  readonly run: StepEnd;
  readonly tensors: StepTensors;
}

export interface OurRun {
  readonly steps: readonly SeenStep[];
  /** Latents after the last step and its callbacks. */
  readonly final: Float32Array;
  /** Empty when the run was stopped. */
  readonly images: readonly RgbImage[];
}

/** Every name a run of that kind offers its callbacks. */
function namesOf({ variant, task }: GoldenCase): TensorInputName[] {
  const names: TensorInputName[] = ['latents', 'prompt_embeds', 'negative_prompt_embeds'];
  if (variant.startsWith('sdxl')) {
    names.push('add_text_embeds', 'negative_add_text_embeds', 'add_time_ids', 'negative_add_time_ids');
  }
  if (task === 'inpaint') names.push('mask', 'masked_image_latents');
  if (variant === 'sd-lcm') names.push('w_embedding');
  return names;
}

/** Runs a case on our engine. @throws StopbathError as the engine failed */
export async function runCase(rig: Rig, golden: GoldenCase): Promise<OurRun> {
  const steps: SeenStep[] = [];
  const recorder: StepCallback = {
    name: 'recorder',
    callbackOnStepEndTensorInputs: namesOf(golden),
    callbackOnStepEnd: (run, _index, _timestep, tensors) => {
      const copies = Object.entries(tensors).map(([name, value]) => [name, tensor(value.dims, Float32Array.from(value.data))]);
      steps.push({ run, tensors: Object.fromEntries(copies) as StepTensors });
      return golden.action === undefined ? undefined : patchOf(golden, golden.action, run, tensors);
    },
  };
  const messages = await rig.generate({ request: requestOf(golden), inputs: inputsOf(golden.args) }, [recorder]);
  const failure = ofKind(messages, 'failed')[0]?.failure;
  if (failure !== undefined) throw new StopbathError(failure);
  const final = checkpointsOf(messages).at(-1)?.latents.data ?? new Float32Array();
  return { steps, final, images: ofKind(messages, 'finished')[0]?.images ?? [] };
}

function patchOf(
  golden: GoldenCase,
  action: GoldenAction,
  { stepIndex }: StepEnd,
  { latents }: StepTensors,
): StepPatch | undefined {
  switch (action.kind) {
    case 'cutoff':
      // The request says it.
      return undefined;
    case 'interrupt':
      return stepIndex === action.step ? { interrupt: true } : undefined;
    case 'guidance':
      return stepIndex === action.step ? { guidanceScale: action.scale } : undefined;
    case 'latents':
      if (!action.steps.includes(stepIndex) || latents === undefined) return undefined;
      return { tensors: { latents: mapTensor(latents, (value) => value * action.factor) } };
    case 'prompt':
      return stepIndex === action.step ? { tensors: newPrompt(golden, stepIndex + 1) } : undefined;
  }
}

/** The conditional rows that diffusers' callback finds from the next step on. */
function newPrompt({ callback }: GoldenCase, step: number): StepTensors {
  const rows = (name: 'prompt_embeds' | 'add_text_embeds'): StepTensors => {
    const ref = callback?.[name]?.values[step];
    return ref === undefined ? {} : { [name]: lastHalf(ref) };
  };
  return { ...rows('prompt_embeds'), ...rows('add_text_embeds') };
}

function lastHalf(ref: TensorRef): Tensor {
  const values = goldenFloats(ref);
  const [rows = 0, ...rest] = ref.dims;
  return tensor([rows / 2, ...rest], values.slice(values.length / 2));
}
