import { StopbathError } from '../../shared/errors.ts';
import type { NoiseModel } from './guidance/condition.ts';
import type { TwoBranchModel } from './guidance/twoBranches.ts';
import { isFiniteTensor, type Tensor } from './tensor/tensor.ts';

type OnOverflow = () => Promise<unknown>;

/**
 * A UNet in half precision that tells when it overflows, as it may for one prompt or step and not for the probe's: written in float32, it will not.
 * Its calls throw StopbathError `MODEL_NAN` then.
 */
export function watchedModel(model: NoiseModel, onOverflow: OnOverflow): NoiseModel {
  return async (...input) => finite(await model(...input), onOverflow);
}

/** The same of a model in two branches. */
export function watchedBranches({ whole, shallow }: TwoBranchModel, onOverflow: OnOverflow): TwoBranchModel {
  return {
    whole: async (...input) => {
      const result = await whole(...input);
      await finite(result.output, onOverflow);
      return result;
    },
    shallow: async (...input) => finite(await shallow(...input), onOverflow),
  };
}

async function finite(output: Tensor, onOverflow: OnOverflow): Promise<Tensor> {
  if (isFiniteTensor(output)) return output;
  await onOverflow();
  throw new StopbathError({
    code: 'MODEL_NAN',
    message: 'unet/model.onnx gave values that are no numbers in half precision.',
    nextStep: 'Start the run again: this model will be computed in full precision now.',
  });
}
