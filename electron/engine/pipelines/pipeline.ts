import type { RgbImage } from '../../../shared/engineProtocol.ts';
import type { Task } from '../../../shared/generation.ts';
import type { NoiseModel } from '../guidance/condition.ts';
import type { LatentSpace } from '../latents/latentSpace.ts';
import type { OpenSession } from '../tensor/modelSession.ts';
import type { NoiseSource } from '../tensor/random.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { PromptEncoding } from '../text/promptEncoding.ts';
import type { UnetFacts } from './unetModel.ts';
import type { Verification } from './verify.ts';

export type Family = 'sd' | 'sdxl';

/** A loaded model of some family, as the engine uses it. */
export interface Pipeline {
  readonly family: Family;
  readonly modelName: string;
  /** SHA-256 of the UNet's weights, hex. */
  readonly modelHash: string;
  readonly latentSpace: LatentSpace;
  /** Pixel sides must be a multiple of this: the UNet halves its latents on every level. */
  readonly sizeMultiple: number;
  /** What its UNet was made for. */
  readonly tasks: readonly Task[];
  readonly unet: UnetFacts;
  /** SDXL's refiner: an aesthetic score stands where other models take the target size. */
  readonly requiresAestheticsScore: boolean;
  /** SDXL: where no negative prompt is given, zeros stand for it instead of the empty prompt. */
  readonly forceZerosForEmptyPrompt: boolean;
  readonly prompts: PromptEncoding;
  readonly noiseModel: NoiseModel;
  /** The parsed scheduler_config.json as diffusers' pipeline of that task has it, for any scheduler to read. */
  schedulerFile(task: Task): unknown;
  /**
   * Loads what only some tasks need.
   * @param onPart told each part before it is loaded
   * @throws StopbathError `MODEL_UNSUPPORTED` naming the file that a task needs and the model has not.
   */
  prepare(task: Task, onPart: (part: string) => void): Promise<void>;
  /**
   * A picture to clean latents in model scale: a sample of its posterior for every row. Needs `prepare` before.
   * @param pixels [1, 3, H, W] in -1..1
   * @returns [rows, C, h, w]
   */
  encodeImage(pixels: Tensor, rows: number, noise: NoiseSource, task: Task): Promise<Tensor>;
  /** Clean latents in model scale [B, C, h, w] to B pictures. */
  decode(latents: Tensor): Promise<RgbImage[]>;
  release(): Promise<void>;
}

export interface OpenPipelineOptions {
  readonly folder: string;
  readonly openSession: OpenSession;
  /** Told each part before it is loaded. */
  readonly onPart: (part: string) => void;
  /** Given where the device is not the CPU. */
  readonly verification?: Verification;
}

/** A model family. */
export interface PipelineClass {
  /** `_class_name` values of model_index.json it can load. */
  readonly classNames: readonly string[];
  open(options: OpenPipelineOptions): Promise<Pipeline>;
}
