import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sdxlLatents } from '../latents/latentSpace.ts';
import { createSdxlEncoding, type SdxlEncoder } from '../text/sdxlEncoding.ts';
import { readModelJson } from './modelFolder.ts';
import { openModel } from './openModel.ts';
import type { PipelineClass } from './pipeline.ts';
import { openTokenizer } from './vocabulary.ts';

/** Stable Diffusion XL, and its refiner, which has the second text encoder only. */
export const stableDiffusionXL: PipelineClass = {
  classNames: ['StableDiffusionXLPipeline', 'StableDiffusionXLImg2ImgPipeline', 'StableDiffusionXLInpaintPipeline'].flatMap(
    (name) => [name, `ORT${name}`],
  ),
  async open(options) {
    const { folder, onPart } = options;
    const index = await readModelJson(folder, 'model_index.json');
    const hasFirst = await hasFirstEncoder(folder, index);
    return openModel(options, {
      family: 'sdxl',
      latents: sdxlLatents,
      requiresAestheticsScore: index['requires_aesthetics_score'] === true,
      forceZerosForEmptyPrompt: index['force_zeros_for_empty_prompt'] !== false,
      // Not inpainting: `_encode_vae_image` of that pipeline scales only (diffusers 0.42).
      standardises: ['image-to-image'],
      textParts: [...(hasFirst ? ['text_encoder'] : []), 'text_encoder_2'],
      schedulerFile: (_task, file) => file,
      async openText(parts) {
        const open = async (tokenizer: string, part: string): Promise<SdxlEncoder> => ({
          tokenizer: await openTokenizer(folder, tokenizer, part),
          session: await parts.open(part),
        });
        onPart('tokenizer');
        const first = hasFirst ? await open('tokenizer', 'text_encoder') : null;
        const second = await open('tokenizer_2', 'text_encoder_2');
        return {
          prompts: createSdxlEncoding(first === null ? [second] : [first, second]),
          sessions: { ...(first === null ? {} : { text_encoder: first.session }), text_encoder_2: second.session },
        };
      },
    });
  },
};

/** model_index.json says so; where it is silent, the folder. */
async function hasFirstEncoder(folder: string, index: Readonly<Record<string, unknown>>): Promise<boolean> {
  const named = index['text_encoder'];
  if (Array.isArray(named)) return named.some((value) => value !== null);
  try {
    await stat(join(folder, 'text_encoder'));
    return true;
  } catch {
    return false;
  }
}
