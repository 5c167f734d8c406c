import type { EmbeddingWord } from '../text/embeddingWords.ts';
import type { RgbImage } from '../../../shared/engineProtocol.ts';
import type { Task } from '../../../shared/generation.ts';
import type { NoiseModel } from '../guidance/condition.ts';
import type { TwoBranchModel } from '../guidance/twoBranches.ts';
import type { LatentSpace } from '../latents/latentSpace.ts';
import type { OpenSession } from '../tensor/modelSession.ts';
import type { NoiseSource } from '../tensor/random.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { PromptEncoding } from '../text/promptEncoding.ts';
import type { Family, ModelLayout } from './layout.ts';
import type { Residency } from './residency.ts';
import type { UnetFacts } from './unetModel.ts';
import type { Verification } from './verify.ts';

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
  /** The same where deep features of one step can serve the next; left out: graphs made elsewhere give none. */
  readonly branches?: TwoBranchModel;
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
  /** The same for a look in between: by the small decoder, where the model's folder has one. */
  decodePreview(latents: Tensor): Promise<RgbImage[]>;
  /** Whether that decoder is there. */
  readonly hasTinyDecoder?: boolean;
  release(): Promise<void>;
}

export interface OpenPipelineOptions {
  readonly folder: string;
  readonly openSession: OpenSession;
  /** Told each part before it is loaded. */
  readonly onPart: (part: string) => void;
  /** Where fitted previews are kept; left out: nowhere. */
  readonly cacheFolder?: string | null;
  /** Given where the device is not the CPU. */
  readonly verification?: Verification;
  /** Decides what stays in memory; left out: everything. */
  readonly residency?: Residency;
  /** Opens a part on the CPU, for what its own device has no memory for; left out where that is the CPU. */
  readonly openOnCpu?: OpenSession;
  /** Textual inversion embeddings that the graphs of the text encoders have rows for; left out: none. */
  readonly embeddings?: readonly EmbeddingWord[];
  /** For the log. */
  readonly warn?: (text: string) => void;
}

/** The same once the parts were found: `folder` is theirs, and a session is opened only after its file was checked. */
export interface FoundModel extends OpenPipelineOptions {
  readonly layout: ModelLayout;
}

/** A model family. */
export interface PipelineClass {
  open(options: FoundModel): Promise<Pipeline>;
}
