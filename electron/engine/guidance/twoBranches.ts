import { StopbathError } from '../../../shared/errors.ts';
import { concatRows, sliceRows, type Tensor } from '../tensor/tensor.ts';
import type { NoiseModel } from './condition.ts';

/** A whole forward. */
export interface DeepAnswer {
  readonly output: Tensor;
  /** What flowed from the deep layers to the outermost ones: [B, C, h, w], h and w those of the sample. */
  readonly features: Tensor;
}

/**
 * A UNet that can be run from deep features on (DeepCache, arXiv 2312.00858): the deep layers change little from one step to the next,
 * the outermost layer takes a small part of the work.
 */
export interface TwoBranchModel {
  readonly whole: (...call: Parameters<NoiseModel>) => Promise<DeepAnswer>;
  /** @param features of an earlier whole forward, of the same rows */
  readonly shallow: (features: Tensor, ...call: Parameters<NoiseModel>) => Promise<Tensor>;
}

/** Whole forwards that keep what they leave; a guided step makes one or two of them. */
export interface KeepingModel {
  readonly model: NoiseModel;
  /** Of all calls up to now, in their order: without the prompt and with it, as `predictGuided` asks. */
  features(): Tensor;
}

export function keepingFeatures({ whole }: TwoBranchModel): KeepingModel {
  const kept: Tensor[] = [];
  return {
    model: async (...call) => {
      const { output, features } = await whole(...call);
      kept.push(features);
      return output;
    },
    features: () => concatRows(kept),
  };
}

/** The outermost layers as a model: its calls take the rows of the features one after the other. For one step. */
export function withFeatures({ shallow }: TwoBranchModel, features: Tensor): NoiseModel {
  let taken = 0;
  return (sample, ...rest) => {
    const from = taken;
    taken += sample.dims[0] ?? 1;
    if (taken > (features.dims[0] ?? 0)) throw new StopbathError({ code: 'INTERNAL', message: 'There are no deep features for this call.' });
    return shallow(sliceRows(features, from, taken), sample, ...rest);
  };
}
