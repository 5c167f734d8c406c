import type { Tensor } from './tensor.ts';

/** An input or output of a model as its file declares it; strings are sides left open. */
export interface TensorSpec {
  readonly name: string;
  /** ONNX element type, e.g. `float32`, `float16`, `int64`. */
  readonly type: string;
  readonly dims: readonly (number | string)[];
}

/**
 * A loaded model. Values go in and come out as float32, whatever the file declares: integers up to 2^24 are exact in it,
 * and no input of a diffusion model is larger.
 */
export interface ModelSession {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /**
   * @param wanted outputs that are brought over from the device; left out: all. More may come.
   * @throws StopbathError `OUT_OF_MEMORY`, `MODEL_TOKENIZER` (an index out of range), `MODEL_UNSUPPORTED` (other inputs) or `MODEL_BAD`.
   */
  run(feeds: Readonly<Record<string, Tensor>>, wanted?: readonly string[]): Promise<Readonly<Record<string, Tensor>>>;
  release(): Promise<void>;
  /**
   * Puts the model on the CPU because its device gave wrong results.
   * @param why what the device did, in words that `explainFailure` (shared/deviceReasons.ts) knows
   * @returns false where that may not be or has been done: the caller then refuses the device.
   */
  moveToCpu?(why: string): Promise<boolean>;
}

/** Opens the model file of one part, e.g. `unet`. */
export type OpenSession = (file: string) => Promise<ModelSession>;
