import type { Task } from '../../../shared/generation.ts';
import { sd1Latents } from '../latents/latentSpace.ts';
import { withEmbeddings } from '../text/embeddingWords.ts';
import { createSdEncoding } from '../text/sdEncoding.ts';
import { openModel } from './openModel.ts';
import type { PipelineClass } from './pipeline.ts';
import { openTokenizer } from './vocabulary.ts';

/** Stable Diffusion 1.x and 2.x, and any model of their layout: one CLIP text encoder, a UNet, a VAE. */
export const stableDiffusion: PipelineClass = {
  open: (options) =>
    openModel(options, {
      family: 'sd',
      latents: sd1Latents,
      requiresAestheticsScore: false,
      forceZerosForEmptyPrompt: false,
      standardises: [],
      textParts: ['text_encoder'],
      schedulerFile: stableDiffusionScheduler,
      async openText(parts) {
        options.onPart('tokenizer');
        const tokenizer = withEmbeddings(await openTokenizer(options.folder, 'tokenizer', 'text_encoder'), options.embeddings ?? []);
        const session = await parts.open('text_encoder');
        return { prompts: createSdEncoding(tokenizer, session), sessions: { text_encoder: session } };
      },
    }),
};

/** What diffusers' SD pipelines force on the model's own scheduler: `__init__` of each in diffusers 0.42. */
function stableDiffusionScheduler(task: Task, file: Readonly<Record<string, unknown>>): unknown {
  return { ...file, steps_offset: 1, ...(task === 'inpaint' ? { skip_prk_steps: true } : { clip_sample: false }) };
}
