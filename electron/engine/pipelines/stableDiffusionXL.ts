import { sdxlLatents } from '../latents/latentSpace.ts';
import { withEmbeddings } from '../text/embeddingWords.ts';
import { createSdxlEncoding, type SdxlEncoder } from '../text/sdxlEncoding.ts';
import type { ModelLayout, PartName } from './layout.ts';
import { openModel } from './openModel.ts';
import type { PipelineClass } from './pipeline.ts';
import { openTokenizer, type TokenizerName } from './vocabulary.ts';

/** Stable Diffusion XL, and its refiner, which has the second text encoder only. */
export const stableDiffusionXL: PipelineClass = {
  async open(options) {
    const { folder, onPart, layout } = options;
    const { index } = layout;
    const hasFirst = hasFirstEncoder(layout);
    return openModel(options, {
      family: 'sdxl',
      latents: sdxlLatents,
      requiresAestheticsScore: index['requires_aesthetics_score'] === true,
      forceZerosForEmptyPrompt: index['force_zeros_for_empty_prompt'] !== false,
      // Not inpainting: `_encode_vae_image` of that pipeline scales only (diffusers 0.42).
      standardises: ['image-to-image'],
      textParts: hasFirst ? ['text_encoder', 'text_encoder_2'] : ['text_encoder_2'],
      schedulerFile: (_task, file) => file,
      async openText(parts) {
        const open = async (tokenizer: TokenizerName, part: PartName): Promise<SdxlEncoder> => ({
          tokenizer: withEmbeddings(await openTokenizer(folder, tokenizer, part), options.embeddings ?? []),
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
export function hasFirstEncoder({ index, files }: ModelLayout): boolean {
  const named = index['text_encoder'];
  return Array.isArray(named) ? named.some((value) => value !== null) : files.text_encoder !== undefined;
}
