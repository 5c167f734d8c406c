import { assertNever, StopbathError } from '../../../shared/errors.ts';
import { isGuided } from '../guidance/guidanceState.ts';
import { concatRows, describeDims, sliceRows, type Tensor } from '../tensor/tensor.ts';
import type { StepCallback, StepEnd, StepPatch, StepTensors, TensorInputName } from './callback.ts';
import { invalid } from './cfgCutoff.ts';

const sdNames = ['latents', 'prompt_embeds', 'negative_prompt_embeds'] as const;
const sdxlNames = ['latents', 'prompt_embeds', 'add_text_embeds', 'add_time_ids'] as const;
const inpaintNames = ['mask', 'masked_image_latents'] as const;

/** `_callback_tensor_inputs` of diffusers' six pipelines, in its order. */
export const diffusersTensorInputs = {
  StableDiffusionPipeline: sdNames,
  StableDiffusionImg2ImgPipeline: sdNames,
  StableDiffusionInpaintPipeline: [...sdNames, ...inpaintNames],
  StableDiffusionXLPipeline: sdxlNames,
  StableDiffusionXLImg2ImgPipeline: sdxlNames,
  StableDiffusionXLInpaintPipeline: [...sdxlNames, ...inpaintNames],
} as const;

export type DiffusersTensorName = (typeof sdNames | typeof sdxlNames | typeof inpaintNames)[number];
const allNames: ReadonlySet<DiffusersTensorName> = new Set([...sdNames, ...sdxlNames, ...inpaintNames]);
export type DiffusersKwargs = { readonly [Name in DiffusersTensorName]?: Tensor };

/** What such a callback sees of its pipeline. */
export interface DiffusersPipe {
  /** `_guidance_scale`: 1 or below switches guidance off from the next step on. */
  guidanceScale: number;
  /** `_interrupt` */
  interrupt: boolean;
  /** `num_timesteps`: the steps of the run. */
  readonly numTimesteps: number;
  /** `do_classifier_free_guidance`, worked out from the scale as it stands. */
  readonly doClassifierFreeGuidance: boolean;
}

/** `def callback(pipe, i, t, callback_kwargs)`. What it returns feeds the next step; `{}` keeps everything. */
export type DiffusersCallback = (
  pipe: DiffusersPipe,
  stepIndex: number,
  timestep: number,
  kwargs: DiffusersKwargs,
) => DiffusersKwargs | Promise<DiffusersKwargs>;

export interface AsDiffusersOptions {
  /** `callback_on_step_end_tensor_inputs`; the kwargs come in this order. */
  readonly tensorInputs?: readonly DiffusersTensorName[];
  /** Given, names this pipeline does not list are refused, as diffusers does. */
  readonly pipeline?: keyof typeof diffusersTensorInputs;
}

/**
 * A callback written for diffusers, in this engine. While guidance is on it gets, and gives back, `prompt_embeds`,
 * `add_text_embeds`, `add_time_ids`, `mask` and `masked_image_latents` as diffusers holds them: 2B rows, all negative ones
 * before all positive ones. Where it switches guidance off it may give back the positive half, `chunk(2)[-1]`, or leave
 * them: both work here for every batch. A changed `negative_prompt_embeds` has no effect, as in diffusers, where only the
 * stack is read.
 * @throws StopbathError `INVALID_INPUT` for a name the pipeline does not list. The callback fails the run with `CALLBACK`
 * when it returns a name it did not ask for or a number of rows that can be neither half nor stack.
 */
export function asDiffusers(callback: DiffusersCallback, options: AsDiffusersOptions = {}): StepCallback {
  const { tensorInputs = ['latents'], pipeline } = options;
  if (pipeline !== undefined) checkNames(tensorInputs, pipeline);
  let scaleSet = 1;
  return {
    name: 'asDiffusers',
    callbackOnStepEndTensorInputs: [...new Set(tensorInputs.flatMap(heldAs))],
    async callbackOnStepEnd(run, stepIndex, timestep, tensors) {
      // The step reports 1 for every scale that does not guide; diffusers would still hold the 0 it was given.
      const before = run.guided || isGuided(scaleSet) ? run.guidanceScale : scaleSet;
      const pipe = createPipe(run, before);
      const kwargs = Object.fromEntries(
        tensorInputs.flatMap((name) => {
          const value = shown(name, run.guided, tensors);
          return value === undefined ? [] : [[name, value]];
        }),
      );
      const returned = await callback(pipe, stepIndex, timestep, kwargs);
      scaleSet = pipe.guidanceScale;
      return patchOf(returned, tensorInputs, pipe, before, tensors);
    },
  };
}

function createPipe({ numTimesteps }: StepEnd, guidanceScale: number): DiffusersPipe {
  return {
    guidanceScale,
    interrupt: false,
    numTimesteps,
    get doClassifierFreeGuidance() {
      return isGuided(this.guidanceScale);
    },
  };
}

/** The names this engine holds one of diffusers' tensors under: the halves of a stack stay apart here. */
function heldAs(name: DiffusersTensorName): readonly TensorInputName[] {
  switch (name) {
    case 'prompt_embeds':
      return ['prompt_embeds', 'negative_prompt_embeds'];
    case 'add_text_embeds':
      return ['add_text_embeds', 'negative_add_text_embeds'];
    case 'add_time_ids':
      return ['add_time_ids', 'negative_add_time_ids'];
    // Both halves are the same.
    case 'mask':
    case 'masked_image_latents':
    case 'latents':
    case 'negative_prompt_embeds':
      return [name];
    default:
      return assertNever(name);
  }
}

function isStacked(name: DiffusersTensorName): boolean {
  return name !== 'latents' && name !== 'negative_prompt_embeds';
}

function shown(name: DiffusersTensorName, guided: boolean, tensors: StepTensors): Tensor | undefined {
  const positive = tensors[name];
  if (positive === undefined || !guided || !isStacked(name)) return positive;
  const negative = tensors[heldAs(name)[1] ?? name];
  return negative === undefined ? positive : concatRows([negative, positive]);
}

function patchOf(
  returned: DiffusersKwargs,
  asked: readonly DiffusersTensorName[],
  pipe: DiffusersPipe,
  scaleBefore: number,
  tensors: StepTensors,
): StepPatch {
  const changes: { -readonly [Name in TensorInputName]?: Tensor } = {};
  for (const name of allNames) {
    const value = returned[name];
    if (value === undefined || name === 'negative_prompt_embeds') continue;
    if (!asked.includes(name)) throw wrong(`returned ${name}, which it did not ask for`);
    Object.assign(changes, isStacked(name) ? unstacked(name, value, pipe, tensors) : { [name]: value });
  }
  return {
    ...(Object.keys(changes).length > 0 ? { tensors: changes } : {}),
    ...(pipe.guidanceScale === scaleBefore ? {} : { guidanceScale: pipe.guidanceScale }),
    ...(pipe.interrupt ? { interrupt: true } : {}),
  };
}

function unstacked(name: DiffusersTensorName, value: Tensor, pipe: DiffusersPipe, tensors: StepTensors): StepTensors {
  const rows = tensors[name]?.dims[0] ?? 0;
  const [, negative] = heldAs(name);
  const given = value.dims[0] ?? 0;
  if (given === 2 * rows) {
    const positive = { [name]: sliceRows(value, rows, given) };
    return negative === undefined ? positive : { ...positive, [negative]: sliceRows(value, 0, rows) };
  }
  if (given === rows && !pipe.doClassifierFreeGuidance) return { [name]: value };
  const wanted = pipe.doClassifierFreeGuidance ? `${2 * rows} rows while guidance is on` : `${rows} or ${2 * rows} rows`;
  throw wrong(`returned ${name} of ${describeDims(value.dims)}; a batch of ${rows} needs ${wanted}`);
}

function checkNames(names: readonly DiffusersTensorName[], pipeline: keyof typeof diffusersTensorInputs): void {
  const listed: readonly string[] = diffusersTensorInputs[pipeline];
  const unknown = names.filter((name) => !listed.includes(name));
  if (unknown.length === 0) return;
  throw invalid('callbackOnStepEndTensorInputs', `${pipeline} has no ${unknown.join(', ')}; it has ${listed.join(', ')}.`);
}

function wrong(what: string): StopbathError {
  return new StopbathError({ code: 'CALLBACK', message: `The diffusers callback ${what}.` });
}
