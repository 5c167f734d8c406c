import { StopbathError } from '../../../shared/errors.ts';
import { readClassName } from './modelFolder.ts';
import type { OpenPipelineOptions, Pipeline, PipelineClass } from './pipeline.ts';
import { stableDiffusion } from './stableDiffusion.ts';
import { stableDiffusionXL } from './stableDiffusionXL.ts';

const classes: readonly PipelineClass[] = [stableDiffusion, stableDiffusionXL];

/**
 * Loads the model in a folder by the family its model_index.json names.
 * @throws StopbathError `MODEL_NOT_FOUND`, `MODEL_PARTS`, `MODEL_BAD`, `MODEL_TOKENIZER`, `MODEL_UNSUPPORTED`, `OUT_OF_MEMORY`.
 */
export async function openPipeline(options: OpenPipelineOptions): Promise<Pipeline> {
  const className = await readClassName(options.folder);
  const family = classes.find(({ classNames }) => classNames.includes(className));
  if (family !== undefined) return family.open(options);
  throw new StopbathError({
    code: 'MODEL_UNSUPPORTED',
    message: className === '' ? 'model_index.json names no model class.' : `${className} models cannot be run yet.`,
    nextStep: 'Choose a Stable Diffusion 1.x, 2.x or XL model exported to ONNX.',
  });
}
