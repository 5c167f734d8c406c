import { join } from 'node:path';
import { z } from 'zod';
import type { RgbImage } from '../../../shared/engineProtocol.ts';
import { StopbathError } from '../../../shared/errors.ts';
import type { NoiseModel } from '../guidance/guidedPrediction.ts';
import { readLatentSpace, sd1Latents } from '../latents/latentSpace.ts';
import { decodeLatents } from '../latents/vae.ts';
import type { ModelSession, TensorSpec } from '../tensor/modelSession.ts';
import { describeDims, tensor, type Tensor } from '../tensor/tensor.ts';
import { PromptEncoder } from '../text/promptEncoder.ts';
import { loadTokenizer, type PromptTokenizer, tokenizerError } from '../text/tokenizer.ts';
import { hashUnet, readModelJson, readModelName, readOptionalModelJson, requireFiles } from './modelFolder.ts';
import type { OpenPipelineOptions, Pipeline, PipelineClass } from './pipeline.ts';
import { steadyTensor, verifySession } from './verify.ts';

const unetSchema = z.object({
  in_channels: z.int().optional(),
  block_out_channels: z.array(z.int()).min(1).optional(),
  time_cond_proj_dim: z.null().optional(),
});

const parts = ['text_encoder', 'unet', 'vae_decoder'] as const;

/** Stable Diffusion 1.x and 2.x, and any model of their layout: one CLIP text encoder, a UNet, a VAE. */
export const stableDiffusion: PipelineClass = {
  classNames: [
    'StableDiffusionPipeline',
    'ORTStableDiffusionPipeline',
    'OnnxStableDiffusionPipeline',
    'StableDiffusionImg2ImgPipeline',
  ],
  async open(options): Promise<Pipeline> {
    const { folder } = options;
    await requireFiles(folder, [
      'scheduler/scheduler_config.json',
      ...parts.map((part) => `${part}/model.onnx`),
    ]);
    const unet = readUnetConfig(await readOptionalModelJson(folder, 'unet/config.json'));
    const space = readLatentSpace(
      (await readOptionalModelJson(folder, 'vae_decoder/config.json')) ?? {},
      await readOptionalModelJson(folder, 'preview.json'),
      sd1Latents,
    );
    const facts = {
      modelName: await readModelName(folder),
      modelHash: await hashUnet(folder),
      latentSpace: space,
      sizeMultiple: space.pixelFactor * 2 ** (unet.levels - 1),
      schedulerFile: stableDiffusionScheduler(await readModelJson(folder, 'scheduler/scheduler_config.json')),
    };
    return openParts(options, facts, unet.channels);
  },
};

type Facts = Pick<Pipeline, 'modelName' | 'modelHash' | 'latentSpace' | 'sizeMultiple' | 'schedulerFile'>;

async function openParts(options: OpenPipelineOptions, facts: Facts, channels: number): Promise<Pipeline> {
  const { folder, openSession, onPart } = options;
  if (channels !== facts.latentSpace.channels) {
    throw new StopbathError({
      code: 'MODEL_UNSUPPORTED',
      message: `The UNet takes ${channels} channels, the decoder gives ${facts.latentSpace.channels}: this is no text-to-image model.`,
    });
  }
  onPart('tokenizer');
  const tokenizer = await loadTokenizer(join(folder, 'tokenizer'));
  await checkVocabulary(folder, tokenizer);
  const opened: ModelSession[] = [];
  const open = async (part: (typeof parts)[number]): Promise<ModelSession> => {
    onPart(part);
    const session = await openSession(join(folder, part, 'model.onnx'));
    opened.push(session);
    return session;
  };
  const release = async (): Promise<void> => {
    await Promise.all(opened.splice(0).map((session) => session.release()));
  };
  try {
    const textEncoder = await open('text_encoder');
    const unet = await open('unet');
    const decoder = await open('vae_decoder');
    await verifyParts(options, facts, { text_encoder: textEncoder, unet, vae_decoder: decoder });
    const encoder = new PromptEncoder(tokenizer, textEncoder);
    return {
      ...facts,
      noiseModel: unetModel(unet),
      encodePrompt: (text) => encoder.encode(text),
      decode: (latents: Tensor): Promise<RgbImage> => decodeLatents(decoder, latents, facts.latentSpace.scalingFactor),
      release,
    };
  } catch (error) {
    await release();
    throw error;
  }
}

/** Ids every vocabulary has, in a steady order. */
const probeIds = tensor([1, 77], Float32Array.from({ length: 77 }, (_, index) => index % 7));

/** Every part on small inputs, each reference released before the next is opened. */
async function verifyParts(
  { folder, verification }: OpenPipelineOptions,
  { modelHash, latentSpace, sizeMultiple }: Facts,
  sessions: Readonly<Record<(typeof parts)[number], ModelSession>>,
): Promise<void> {
  if (verification === undefined || !(await verification.isNeeded(modelHash))) return;
  const side = Math.max(8, sizeMultiple / latentSpace.pixelFactor);
  const latents = steadyTensor([1, latentSpace.channels, side, side]);
  for (const part of parts) {
    const session = sessions[part];
    const reference = await verification.openReference(join(folder, part, 'model.onnx'));
    try {
      const feeds = session.inputs.map((spec): [string, Tensor] => {
        if (part === 'text_encoder') return [spec.name, probeIds];
        if (spec.name === 'timestep') return [spec.name, timestepTensor(500, spec, 1)];
        const width = spec.dims[2];
        const isText = spec.name === 'encoder_hidden_states' && typeof width === 'number';
        return [spec.name, isText ? steadyTensor([1, 77, width]) : latents];
      });
      await verifySession(part, session, reference, Object.fromEntries(feeds));
    } finally {
      await reference.release();
    }
  }
  await verification.onPassed(modelHash);
}

/** diffusers' SD pipelines force these two on the model's own scheduler. */
function stableDiffusionScheduler(file: Record<string, unknown>): Record<string, unknown> {
  return { ...file, steps_offset: 1, clip_sample: false };
}

function readUnetConfig(file: unknown): { levels: number; channels: number } {
  const parsed = unetSchema.safeParse(file ?? {});
  if (!parsed.success) {
    throw new StopbathError({
      code: 'MODEL_UNSUPPORTED',
      message: 'unet/config.json describes a UNet this version cannot run.',
      detail: z.prettifyError(parsed.error),
    });
  }
  return { levels: parsed.data.block_out_channels?.length ?? 4, channels: parsed.data.in_channels ?? 4 };
}

/** Some fine-tunes pad the embedding table; more than this is another tokenizer. */
const vocabularySlack = 64;

/** @throws StopbathError `MODEL_TOKENIZER` when the tokenizer cannot belong to the text encoder. */
async function checkVocabulary(folder: string, tokenizer: PromptTokenizer): Promise<void> {
  const size = (await readOptionalModelJson(folder, 'text_encoder/config.json'))?.['vocab_size'];
  if (typeof size !== 'number') return;
  const spare = size - tokenizer.vocabularySize;
  if (spare >= 0 && spare <= vocabularySlack) return;
  throw tokenizerError(
    `The tokenizer does not belong to this model: it has ${tokenizer.vocabularySize} tokens, the text encoder ${size}.`,
  );
}

/** The UNet by the names and shapes its file declares; exports differ in the timestep's rank and type. */
function unetModel(session: ModelSession): NoiseModel {
  const named = (name: string): TensorSpec => {
    const spec = session.inputs.find((input) => input.name === name);
    if (spec !== undefined) return spec;
    throw new StopbathError({
      code: 'MODEL_UNSUPPORTED',
      message: `unet/model.onnx has no input "${name}".`,
      detail: session.inputs.map((input) => `${input.name} ${input.type} ${describeDims(input.dims)}`).join('\n'),
    });
  };
  const [sampleSpec, timeSpec, textSpec] = [named('sample'), named('timestep'), named('encoder_hidden_states')];
  const output = session.outputs[0]?.name ?? 'out_sample';
  return async (sample, timestep, promptEmbeds) => {
    const rows = sample.dims[0] ?? 1;
    const results = await session.run({
      [sampleSpec.name]: sample,
      [timeSpec.name]: timestepTensor(timestep, timeSpec, rows),
      [textSpec.name]: promptEmbeds,
    });
    const result = results[output];
    if (result === undefined || result.data.length !== sample.data.length) {
      throw new StopbathError({ code: 'MODEL_UNSUPPORTED', message: 'The UNet gives no sample of the size it takes.' });
    }
    return result;
  };
}

/** [] in current exports, [1] in optimum's before 2024-11, [batch] in those of the diffusers script. */
function timestepTensor(timestep: number, spec: TensorSpec, rows: number): Tensor {
  const side = spec.dims[0];
  if (spec.dims.length === 0) return tensor([], Float32Array.of(timestep));
  const count = side === 1 || side === 'steps' ? 1 : rows;
  return tensor([count], new Float32Array(count).fill(timestep));
}
