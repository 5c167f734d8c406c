import { createStore } from 'zustand/vanilla';
import type { Model } from '../../../shared/models.ts';
import type { GenerationRequest, GuidanceCurve, InputImage, NoiseKind, SteeringEntry, Task } from '../../../shared/generation.ts';
import type { CurvePoint } from '../../../shared/guidanceCurve.ts';
import type { SchedulerId, SigmaScheduleId, TimestepSpacingId } from '../../../shared/samplers.ts';
import type { TypedInterval, TypedReuse } from './typedGuidance.ts';

/** A step-end callback of the user's own. */
export interface FormCallback {
  readonly id: string;
  readonly name: string;
  readonly source: string;
  /** Whether the next run has it. */
  readonly on: boolean;
}

/** A LoRA of the form; numbers are text here, too. */
export interface FormLora {
  readonly name: string;
  readonly strength: string;
  /** For the text encoders; empty: as `strength`. */
  readonly textStrength: string;
  readonly course: 'constant' | 'fade-in' | 'fade-out' | 'first-half' | 'second-half' | 'own';
  /** Of a course of its `own`. */
  readonly points: readonly { readonly at: number; readonly strength: number }[];
}

/** The form as it is typed. Numbers are text, so that what cannot be read yet is shown and not changed. */
export interface FormState extends TypedInterval, TypedReuse {
  readonly task: Task;
  readonly modelId: string | null;
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly negativeOpen: boolean;
  /** Where image-to-image and inpainting start; kept while the text tab is in front. */
  readonly image: InputImage | null;
  /** White is painted again; sides of `image`. */
  readonly mask: InputImage | null;
  /** Of image-to-image. */
  readonly strength: string;
  /** Of inpainting: what is painted again mostly starts from nothing, so each task remembers its own. */
  readonly inpaintStrength: string;
  /** Pixels around the mask when only its surroundings are drawn; null: the whole picture is. */
  readonly maskPadding: string | null;
  readonly keepUnmasked: boolean;
  readonly steps: string;
  readonly guidanceScale: string;
  /** Guided steps; null: never off. */
  readonly cutoff: number | null;
  /** Whether guidance ends at that step, or once its two predictions agree. */
  readonly cutoffBy: 'step' | 'evidence';
  /**
   * Cosine similarity at which they do. Measured on 200 prompts with 2 seeds, built-in model, 20 steps (e2e/attributes/steering.json): 0.995 leaves
   * out 30 % of the evaluations at no cost in accuracy (+0.06 points, standard error 0.06), 0.998 leaves out 23 %, 0.99 leaves out 34 %.
   */
  readonly cutoffCosine: string;
  readonly scheduler: SchedulerId;
  readonly sigmaSchedule: SigmaScheduleId;
  readonly seed: string;
  /** Each run takes a new seed. */
  readonly randomSeed: boolean;
  readonly width: string;
  readonly height: string;
  readonly count: string;
  /** The pictures are drawn in one run instead of one run each. */
  readonly together: boolean;

  /** Those that tags of the prompts call stand there. */
  readonly loras: readonly FormLora[];

  readonly advancedOpen: boolean;
  readonly promptSyntax: GenerationRequest['promptSyntax'];
  readonly clipSkip: string;
  readonly morePrompts: readonly string[];
  readonly guidanceCurve: GuidanceCurve['kind'];
  /** Where a linear or cosine curve ends. */
  readonly guidanceTo: string;
  /** Of a curve given step by step. */
  readonly guidanceScales: string;
  /** Of a curve drawn by hand. */
  readonly guidancePoints: readonly CurvePoint[];
  readonly guidanceSmooth: boolean;
  readonly guidanceRescale: string;
  /** In the order in which they are asked. */
  readonly callbacks: readonly FormCallback[];
  /** What was done to the run of the picture whose settings these are: the next run has it done at the same steps. */
  readonly steering: readonly SteeringEntry[];
  readonly timestepSpacing: TimestepSpacingId;
  readonly eta: string;
  /** Numbers with commas between; empty: the sampler's own. */
  readonly timesteps: string;
  readonly sigmas: string;
  readonly noise: NoiseKind['kind'];
  readonly sms: string;
  readonly threadsPerSm: string;
  readonly batchSeeds: GenerationRequest['batchSeeds'];

  /** SDXL only, from here. Empty: the same as the first prompt. */
  readonly prompt2: string;
  readonly negativePrompt2: string;
  /** Sizes as `1024 x 1024`, corners as `0, 0`; empty: what is usual. */
  readonly originalSize: string;
  readonly cropTopLeft: string;
  readonly targetSize: string;
  readonly negativeOriginalSize: string;
  readonly negativeCropTopLeft: string;
  readonly negativeTargetSize: string;
  readonly aestheticScore: string;
  readonly negativeAestheticScore: string;
  readonly denoisingStart: string;
  readonly denoisingEnd: string;
}

export const initialForm: FormState = {
  task: 'text-to-image',
  modelId: null,
  prompt: '',
  negativePrompt: '',
  negativeOpen: false,
  image: null,
  mask: null,
  // The built-in model follows the prompt from 0.8 on and keeps the layout; diffusers' own default too.
  strength: '0.8',
  inpaintStrength: '1',
  maskPadding: null,
  keepUnmasked: true,
  steps: '20',
  guidanceScale: '7',
  cutoff: null,
  cutoffBy: 'step',
  cutoffCosine: '0.995',
  scheduler: 'dpmpp_2m',
  sigmaSchedule: 'automatic',
  seed: '',
  randomSeed: true,
  width: '512',
  height: '512',
  count: '1',
  together: false,
  loras: [],

  advancedOpen: false,
  promptSyntax: 'a1111',
  clipSkip: '0',
  morePrompts: [],
  guidanceCurve: 'constant',
  guidanceTo: '1',
  guidanceScales: '',
  guidancePoints: [],
  guidanceSmooth: false,
  sigmaLow: '',
  sigmaHigh: '',
  guidanceRescale: '0',
  reuse: 'none',
  reuseEvery: '2',
  reuseThreshold: '0.1',
  reuseMost: '2',
  callbacks: [],
  steering: [],
  timestepSpacing: 'automatic',
  eta: '0',
  timesteps: '',
  sigmas: '',
  noise: 'torch-cpu',
  sms: '82',
  threadsPerSm: '1536',
  batchSeeds: 'per-image',

  prompt2: '',
  negativePrompt2: '',
  originalSize: '',
  cropTopLeft: '0, 0',
  targetSize: '',
  negativeOriginalSize: '',
  negativeCropTopLeft: '',
  negativeTargetSize: '',
  aestheticScore: '6',
  negativeAestheticScore: '2.5',
  denoisingStart: '',
  denoisingEnd: '',
};

export const formStore = createStore<FormState>(() => initialForm);

export function setForm(change: Partial<FormState>): void {
  formStore.setState(change);
}

/** Further prompts of the batch; a blank line is none. */
export function furtherPrompts(form: Pick<FormState, 'morePrompts'>): readonly string[] {
  return form.morePrompts.filter((prompt) => prompt.trim() !== '');
}

/** An untouched field is "none given"; the interface offers no way to ask for the encoded empty prompt. */
export function negativeOf({ negativeOpen }: Pick<FormState, 'negativeOpen'>, text: string): string | null {
  return negativeOpen && text !== '' ? text : null;
}

/** The settings a model is made for; prompt, picture, seed and number of pictures are the user's. */
export function formForModel(model: Model): Partial<FormState> {
  return {
    modelId: model.id,
    steps: String(model.steps),
    guidanceScale: String(model.guidanceScale),
    scheduler: model.scheduler,
    sigmaSchedule: 'automatic',
    timestepSpacing: 'automatic',
    width: String(model.width),
    height: String(model.height),
    cutoff: null,
    cutoffBy: 'step',
  };
}
