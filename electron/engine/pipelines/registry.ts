import { type Family, readLayout } from './layout.ts';
import { openChecked } from './openChecked.ts';
import type { OpenPipelineOptions, Pipeline, PipelineClass } from './pipeline.ts';
import { stableDiffusion } from './stableDiffusion.ts';
import { stableDiffusionXL } from './stableDiffusionXL.ts';

const classes: Readonly<Record<Family, PipelineClass>> = { sd: stableDiffusion, sdxl: stableDiffusionXL };

/**
 * Loads the model in a folder by the family its model_index.json names, or its files show.
 * @throws StopbathError `MODEL_NOT_FOUND`, `MODEL_PARTS`, `MODEL_BAD`, `MODEL_TOKENIZER`, `MODEL_UNSUPPORTED`, `UNSAFE_FILE`, `OUT_OF_MEMORY`.
 */
export async function openPipeline(options: OpenPipelineOptions): Promise<Pipeline> {
  const layout = await readLayout(options.folder);
  const { verification, openOnCpu } = options;
  return classes[layout.family].open({
    ...options,
    layout,
    folder: layout.folder,
    openSession: openChecked(layout, options.openSession),
    ...(openOnCpu === undefined ? {} : { openOnCpu: openChecked(layout, openOnCpu) }),
    ...(verification === undefined ? {} : { verification: { ...verification, openReference: openChecked(layout, verification.openReference) } }),
  });
}
