import type { RgbImage } from '../../../shared/engineProtocol.ts';
import type { NoiseModel } from '../guidance/guidedPrediction.ts';
import type { LatentSpace } from '../latents/latentSpace.ts';
import type { OpenSession } from '../tensor/modelSession.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { EncodedPrompt } from '../text/promptEncoder.ts';
import type { Verification } from './verify.ts';

/** A loaded model of some family, as the engine uses it. */
export interface Pipeline {
  readonly modelName: string;
  /** SHA-256 of the UNet's weights, hex. */
  readonly modelHash: string;
  readonly latentSpace: LatentSpace;
  /** Pixel sides must be a multiple of this: the UNet halves its latents on every level. */
  readonly sizeMultiple: number;
  /** The parsed scheduler_config.json, for any scheduler to read. */
  readonly schedulerFile: unknown;
  readonly noiseModel: NoiseModel;
  encodePrompt(text: string): Promise<EncodedPrompt>;
  /** Clean latents in model scale to a picture. */
  decode(latents: Tensor): Promise<RgbImage>;
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
