import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { StopbathError } from '../../../shared/errors.ts';
import type { Task } from '../../../shared/generation.ts';
import { type FamilyLatents, readLatentSpace } from '../latents/latentSpace.ts';
import { decodeLatents, encodePixels } from '../latents/vae.ts';
import type { ModelSession } from '../tensor/modelSession.ts';
import type { PromptEncoding } from '../text/promptEncoding.ts';
import { hashUnet, readModelJson, readModelName, readOptionalModelJson, requireFiles } from './modelFolder.ts';
import { Parts } from './parts.ts';
import type { Family, OpenPipelineOptions, Pipeline } from './pipeline.ts';
import { readUnetConfig, type UnetFacts, unetFacts, unetModel } from './unetModel.ts';
import { type ProbeSizes, verifyPart } from './verifyParts.ts';

/** A model's way from text to embeddings and the parts it opened for that, by name. */
export interface OpenedText {
  readonly prompts: PromptEncoding;
  readonly sessions: Readonly<Record<string, ModelSession>>;
}

/** What one family has of its own. */
export interface FamilyTraits {
  readonly family: Family;
  readonly latents: FamilyLatents;
  readonly requiresAestheticsScore: boolean;
  readonly forceZerosForEmptyPrompt: boolean;
  /** Tasks whose diffusers pipeline brings encoded pictures to the mean and spread of the latent space. */
  readonly standardises: readonly Task[];
  /** `model.onnx` of the text encoders the model must have. */
  readonly textParts: readonly string[];
  openText(parts: Parts): Promise<OpenedText>;
  /** The model's scheduler config as the family's pipeline of that task changes it. */
  schedulerFile(task: Task, file: Readonly<Record<string, unknown>>): unknown;
}

/** Opens the parts that models of all families have: texts by the family's way, UNet, decoder, and later the encoder. */
export async function openModel(options: OpenPipelineOptions, traits: FamilyTraits): Promise<Pipeline> {
  const { config, latentSpace, schedulerFile, modelName, modelHash } = await readFolder(options.folder, traits);
  const parts = new Parts(options);
  try {
    const text = await traits.openText(parts);
    const unetSession = await parts.open('unet');
    const decoder = await parts.open('vae_decoder');
    const unet = unetFacts(config, unetSession);
    const sizes: ProbeSizes = { latentSpace, unet, sizeMultiple: latentSpace.pixelFactor * 2 ** (config.levels - 1) };
    const tasks = tasksOf(unet, latentSpace.channels, traits);
    await verifyParts(options, modelHash, { ...text.sessions, unet: unetSession, vae_decoder: decoder }, sizes);
    const encoder = new LazyEncoder(options, parts, modelHash, sizes);
    return {
      family: traits.family,
      requiresAestheticsScore: traits.requiresAestheticsScore,
      forceZerosForEmptyPrompt: traits.forceZerosForEmptyPrompt,
      ...sizes,
      modelName,
      modelHash,
      tasks,
      prompts: text.prompts,
      noiseModel: unetModel(unetSession, unet, latentSpace.channels),
      schedulerFile: (task) => traits.schedulerFile(task, schedulerFile),
      prepare: async (task, onPart) => {
        if (task !== 'text-to-image') await encoder.open(onPart);
      },
      encodeImage: (pixels, rows, noise, task) =>
        encodePixels(encoder.session, pixels, { space: latentSpace, rows, noise, standardise: traits.standardises.includes(task) }),
      decode: (latents) => decodeLatents(decoder, latents, latentSpace),
      release: () => parts.release(),
    };
  } catch (error) {
    await parts.release();
    throw error;
  }
}

/** What the files say, before anything large is loaded. */
async function readFolder(folder: string, { textParts, latents }: FamilyTraits) {
  await requireFiles(folder, [
    'scheduler/scheduler_config.json',
    ...[...textParts, 'unet', 'vae_decoder'].map((part) => `${part}/model.onnx`),
  ]);
  const vaeConfig = await readOptionalModelJson(folder, 'vae_decoder/config.json');
  return {
    config: readUnetConfig(await readOptionalModelJson(folder, 'unet/config.json')),
    latentSpace: readLatentSpace(vaeConfig ?? {}, await readOptionalModelJson(folder, 'preview.json'), latents),
    schedulerFile: await readModelJson(folder, 'scheduler/scheduler_config.json'),
    modelName: await readModelName(folder),
    modelHash: await hashUnet(folder),
  };
}

/** @throws StopbathError `MODEL_UNSUPPORTED` for a UNet that takes neither latents alone nor latents, mask and masked picture. */
function tasksOf({ channels }: UnetFacts, latentChannels: number, traits: FamilyTraits): readonly Task[] {
  if (channels === 2 * latentChannels + 1) return ['inpaint'];
  if (channels === latentChannels) {
    // diffusers' text-to-image pipeline has no place for the score.
    return traits.requiresAestheticsScore ? ['image-to-image', 'inpaint'] : ['text-to-image', 'image-to-image', 'inpaint'];
  }
  throw new StopbathError({
    code: 'MODEL_UNSUPPORTED',
    message: `The UNet takes ${channels} channels, the decoder ${latentChannels}: this is no model for text, pictures or inpainting.`,
  });
}

async function verifyParts(
  { folder, verification }: OpenPipelineOptions,
  modelHash: string,
  sessions: Readonly<Record<string, ModelSession>>,
  sizes: ProbeSizes,
): Promise<void> {
  if (verification === undefined || !(await verification.isNeeded(modelHash))) return;
  for (const [part, session] of Object.entries(sessions)) {
    await verifyPart(folder, part, session, verification.openReference, sizes);
  }
  await verification.onPassed(modelHash);
}

const encoderPart = 'vae_encoder';

/** The encoder of pictures: most runs need none, and old exports have none. */
class LazyEncoder {
  readonly #options: OpenPipelineOptions;
  readonly #parts: Parts;
  readonly #modelHash: string;
  readonly #sizes: ProbeSizes;
  #opened: ModelSession | null = null;
  /** The same once it is known to be right on its device. */
  #session: ModelSession | null = null;

  constructor(options: OpenPipelineOptions, parts: Parts, modelHash: string, sizes: ProbeSizes) {
    this.#options = options;
    this.#parts = parts;
    this.#modelHash = modelHash;
    this.#sizes = sizes;
  }

  get session(): ModelSession {
    if (this.#session !== null) return this.#session;
    throw new StopbathError({ code: 'INTERNAL', message: 'A picture was to be encoded before its encoder was loaded.' });
  }

  async open(onPart: (part: string) => void): Promise<void> {
    if (this.#session !== null) return;
    const { folder } = this.#options;
    if (!(await isFile(join(folder, encoderPart, 'model.onnx')))) {
      throw new StopbathError({
        code: 'MODEL_UNSUPPORTED',
        message: `This model cannot start from a picture: it has no ${encoderPart}/model.onnx.`,
        nextStep: 'Export the model again with its VAE encoder, or generate from text.',
      });
    }
    this.#opened ??= await this.#parts.open(encoderPart, onPart);
    await this.#verify(this.#opened);
    this.#session = this.#opened;
  }

  async #verify(session: ModelSession): Promise<void> {
    const { verification, folder } = this.#options;
    // One that samples inside its graph gives other latents every time.
    if (verification === undefined || !session.outputs.some(({ name }) => name === 'latent_parameters')) return;
    const key = `${this.#modelHash}-${encoderPart}`;
    if (!(await verification.isNeeded(key))) return;
    await verifyPart(folder, encoderPart, session, verification.openReference, this.#sizes);
    await verification.onPassed(key);
  }
}

async function isFile(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}
