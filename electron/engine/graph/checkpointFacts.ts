import type { Task } from '../../../shared/generation.ts';
import type { CheckpointFamily, CheckpointModel } from './readers/checkpointModel.ts';
import type { CheckpointPrediction, Prediction, Recognised } from './readers/prediction.ts';
import type { NamedTensors } from './readers/namedTensors.ts';
import type { WeightType } from './weights.ts';
import { isWeightType } from './readers/elementType.ts';

/** What a checkpoint is, as far as its files tell. */
export interface CheckpointFacts {
  /** What people call it: `modelspec.title` is not trusted, the file's name is. */
  readonly name: string;
  readonly layout: 'single-file' | 'diffusers-folder';
  readonly family: CheckpointFamily;
  readonly tasks: readonly Task[];
  readonly predictionType: Recognised<CheckpointPrediction>;
  readonly zeroSnr: Recognised<boolean>;
  /** Pixels; what it was trained at. */
  readonly defaultSize: Recognised<{ readonly width: number; readonly height: number }>;
  /** Told its guidance scale instead of being called twice (LCM). */
  readonly hasGuidanceEmbedding: boolean;
  /** Averaged weights lie beside the last ones; they are taken on request. */
  readonly hasEma: boolean;
  /** Tensors of each type among the UNet's weights. */
  readonly unetTypes: Readonly<Partial<Record<WeightType, number>>>;
  /** Bytes of the weights that are used. */
  readonly weightBytes: number;
}

/** What a person may say against the facts of a file. */
export interface CheckpointOverrides {
  readonly predictionType?: CheckpointPrediction;
  readonly zeroSnr?: boolean;
  /** Pixels, multiples of 8. */
  readonly defaultSize?: { readonly width: number; readonly height: number };
  /** The averaged UNet of a training checkpoint. */
  readonly useEma?: boolean;
}

/** A thing about an opened checkpoint that a person should know; none of them keeps it from running. */
export interface CheckpointProblem {
  readonly kind: 'prediction-guessed' | 'no-encoder' | 'ema-not-used';
  /** English. */
  readonly message: string;
}

const usualSides: Readonly<Record<CheckpointFamily, number>> = { sd1: 512, sd2: 512, sdxl: 1024, 'sdxl-refiner': 1024 };
const sideOfV2 = 768;

export interface FactSources {
  readonly name: string;
  readonly layout: CheckpointFacts['layout'];
  readonly model: CheckpointModel;
  readonly prediction: Prediction;
  readonly hasEma: boolean;
  /** `modelspec.resolution`, "768x768", or what the folder's config says. */
  readonly resolution: string | null;
  readonly overrides: CheckpointOverrides;
}

export function factsOf({ name, layout, model, prediction, hasEma, resolution, overrides }: FactSources): CheckpointFacts {
  const predictionType = chosen(overrides.predictionType, prediction.predictionType);
  const { config, tensors } = model.unet;
  return {
    name,
    layout,
    family: model.family,
    tasks: tasksOf(model),
    predictionType,
    zeroSnr: chosen(overrides.zeroSnr, prediction.zeroSnr),
    defaultSize: chosen(overrides.defaultSize, sizeOf(model.family, predictionType.value, resolution)),
    hasGuidanceEmbedding: config.timeCondProjDim !== null,
    hasEma,
    unetTypes: typesOf(tensors),
    weightBytes: [tensors, model.vae.tensors, ...model.text.map((part) => part.tensors)].reduce((sum, part) => sum + bytesOf(part), 0),
  };
}

/** What the person says is certain. */
function chosen<Value>(override: Value | undefined, recognised: Recognised<Value>): Recognised<Value> {
  return override === undefined ? recognised : { value: override, certain: true };
}

/** As `pipelines/openModel.ts` finds them in the graphs. */
function tasksOf({ family, unet: { config }, vae }: CheckpointModel): readonly Task[] {
  if (config.inChannels > config.outChannels) return vae.halves.encoder ? ['inpaint'] : [];
  const withPictures: readonly Task[] = vae.halves.encoder ? ['image-to-image', 'inpaint'] : [];
  return family === 'sdxl-refiner' ? withPictures : ['text-to-image', ...withPictures];
}

function sizeOf(family: CheckpointFamily, prediction: CheckpointPrediction, resolution: string | null): CheckpointFacts['defaultSize'] {
  const [, width, height] = /^(\d{2,4})x(\d{2,4})$/.exec(resolution ?? '') ?? [];
  const said = { width: Number(width), height: Number(height) };
  if (width !== undefined && said.width % 8 === 0 && said.height % 8 === 0) return { value: said, certain: true };
  const side = family === 'sd2' && prediction === 'v_prediction' ? sideOfV2 : usualSides[family];
  return { value: { width: side, height: side }, certain: false };
}

function typesOf(tensors: NamedTensors): CheckpointFacts['unetTypes'] {
  const counts: Partial<Record<WeightType, number>> = {};
  for (const { type } of tensors.values()) if (isWeightType(type)) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}

function bytesOf(tensors: NamedTensors): number {
  return [...tensors.values()].reduce((sum, { length }) => sum + length, 0);
}

export function problemsOf(facts: CheckpointFacts, model: CheckpointModel, { useEma = false }: CheckpointOverrides): readonly CheckpointProblem[] {
  const problems: CheckpointProblem[] = [];
  // Stable Diffusion 2 comes in both kinds; elsewhere noise is what nearly all models predict.
  if (facts.family === 'sd2' && !facts.predictionType.certain) {
    const { value } = facts.predictionType;
    problems.push({
      kind: 'prediction-guessed',
      message: `The file does not say whether the model predicts noise or velocity; it is run as ${value}. Where pictures are noise or blotches, choose the other.`,
    });
  }
  if (!model.vae.halves.encoder) {
    problems.push({ kind: 'no-encoder', message: 'The VAE has no encoder: the model cannot start from a picture.' });
  }
  if (facts.hasEma && !useEma) {
    problems.push({ kind: 'ema-not-used', message: 'The file also holds averaged (EMA) weights; the last ones are used, as diffusers does.' });
  }
  return problems;
}
