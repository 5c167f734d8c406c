import type { RgbImage } from '../../../shared/engineProtocol.ts';
import { StopbathError } from '../../../shared/errors.ts';
import type { Task } from '../../../shared/generation.ts';
import { type FamilyLatents, type LatentSpace, readLatentSpace } from '../latents/latentSpace.ts';
import type { ModelSession } from '../tensor/modelSession.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { PromptEncoding } from '../text/promptEncoding.ts';
import { CarefulVae } from './carefulVae.ts';
import { readConfigs } from './configs.ts';
import { requireFamily, requireLatentChannels, requireTextWidth } from './fits.ts';
import type { Family, PartName } from './layout.ts';
import { hashPart, readModelName, recordedHash } from './modelFolder.ts';
import { ModelFault } from './modelFault.ts';
import { checkPart, partFile } from './openChecked.ts';
import { Parts } from './parts.ts';
import type { FoundModel, OpenPipelineOptions, Pipeline } from './pipeline.ts';
import { decoderHash, readFittedPreview } from './previewCache.ts';
import { openTinyDecoder, type TinyDecoder } from './tinyDecoder.ts';
import { shallowPart, unetBranches } from './unetBranches.ts';
import { featuresName, readUnetConfig, type UnetFacts, unetFacts, unetModel } from './unetModel.ts';
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
  readonly textParts: readonly PartName[];
  openText(parts: Parts): Promise<OpenedText>;
  /** The model's scheduler config as the family's pipeline of that task changes it. */
  schedulerFile(task: Task, file: Readonly<Record<string, unknown>>): unknown;
}

/** Opens the parts that models of all families have: texts by the family's way, UNet, decoder, and later the encoder. */
export async function openModel(options: FoundModel, traits: FamilyTraits): Promise<Pipeline> {
  const { config, latentSpace, schedulerFile, modelName, modelHash } = await readFolder(options, traits);
  const parts = new Parts(options);
  try {
    const text = await traits.openText(parts);
    const unetSession = await parts.open('unet');
    const decoder = await parts.open('vae_decoder');
    const unet = unetFacts(config, unetSession);
    requireFamily(unetSession, traits.family);
    requireTextWidth(unetSession, text.sessions);
    requireLatentChannels(decoder, latentSpace.channels);
    const sizes: ProbeSizes = { latentSpace, unet, sizeMultiple: latentSpace.pixelFactor * 2 ** (config.levels - 1) };
    const tasks = tasksOf(unet, latentSpace.channels, traits);
    await verifyParts(options, modelHash, { ...text.sessions, unet: unetSession, vae_decoder: decoder }, sizes);
    const encoder = new LazyEncoder(options, parts, modelHash, sizes);
    const vae = new CarefulVae({
      folder: options.folder,
      space: latentSpace,
      residency: parts.residency,
      openOnCpu: options.openOnCpu ?? null,
      warn: options.warn ?? (() => undefined),
    });
    const decode = (latents: Tensor): Promise<RgbImage[]> => vae.decode(decoder, latents);
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
      ...branchesOf(options, parts, unetSession, { modelHash, sizes }),
      schedulerFile: (task) => traits.schedulerFile(task, schedulerFile),
      prepare: async (task, onPart) => {
        if (task !== 'text-to-image') await encoder.open(onPart);
      },
      encodeImage: (pixels, rows, noise, task) =>
        vae.encode(encoder.session, pixels, { rows, noise, standardise: traits.standardises.includes(task) }),
      decode,
      hasTinyDecoder: options.layout.files.taesd_decoder !== undefined,
      decodePreview: previewDecoder(options, parts, latentSpace, decode),
      release: () => parts.release(),
    };
  } catch (error) {
    await parts.release();
    throw error;
  }
}

/** What the files say, before anything large is loaded. */
async function readFolder({ layout, cacheFolder = null }: FoundModel, { textParts, latents }: FamilyTraits) {
  for (const part of [...textParts, 'unet', 'vae_decoder'] as const) partFile(layout, part);
  const configs = await readConfigs(layout);
  const decoder = await checkPart(layout, 'vae_decoder');
  const fitted = configs.preview === null && cacheFolder !== null ? await readFittedPreview(cacheFolder, await decoderHash(layout.root, decoder, cacheFolder)) : null;
  return {
    config: readUnetConfig(configs.unet),
    latentSpace: readLatentSpace(configs.vae, configs.preview ?? fitted, latents),
    schedulerFile: configs.scheduler,
    modelName: await readModelName(layout.root),
    modelHash: (await recordedHash(layout.root)) ?? (await hashPart(await checkPart(layout, 'unet'), cacheFolder)),
  };
}

/** @throws StopbathError `MODEL_UNSUPPORTED` for a UNet that takes neither latents alone nor latents, mask and masked picture. */
export function tasksOf({ channels }: UnetFacts, latentChannels: number, traits: Pick<FamilyTraits, 'requiresAestheticsScore'>): readonly Task[] {
  if (channels === 2 * latentChannels + 1) return ['inpaint'];
  if (channels === latentChannels) {
    // diffusers' text-to-image pipeline has no place for the score.
    return traits.requiresAestheticsScore ? ['image-to-image', 'inpaint'] : ['text-to-image', 'image-to-image', 'inpaint'];
  }
  throw new ModelFault('CHANNELS', 'unet', {
    code: 'MODEL_UNSUPPORTED',
    message: `unet/model.onnx takes ${channels} channels, vae_decoder ${latentChannels}: this is no model for text, pictures or inpainting.`,
    nextStep: 'Choose a model for text to image, image to image or inpainting; those for depth, instructions or upscaling cannot be run yet.',
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

/** Where the folder has both graphs. The second is opened at the first step that takes it: most runs do not. */
function branchesOf(
  options: FoundModel,
  parts: Parts,
  whole: ModelSession,
  { modelHash, sizes }: { readonly modelHash: string; readonly sizes: ProbeSizes },
): Pick<Pipeline, 'branches'> {
  if (options.layout.files[shallowPart] === undefined || !whole.outputs.some(({ name }) => name === featuresName)) return {};
  const open = async (): Promise<ModelSession> => {
    // In the middle of a run nobody is told: it is there in no time.
    const session = await parts.open(shallowPart, () => undefined);
    await verifyLater(options, `${modelHash}-${shallowPart}`, shallowPart, session, sizes);
    return session;
  };
  let opened: ModelSession | null = null;
  return { branches: unetBranches(whole, async () => (opened ??= await open()), sizes.unet, sizes.latentSpace.channels) };
}

/** A part that is opened after the model was verified. */
async function verifyLater({ verification, folder }: FoundModel, key: string, part: string, session: ModelSession, sizes: ProbeSizes): Promise<void> {
  if (verification === undefined || !(await verification.isNeeded(key))) return;
  await verifyPart(folder, part, session, verification.openReference, sizes);
  await verification.onPassed(key);
}

/** By the small decoder in the folder, else by the whole one; by that, too, once the small one has failed. */
function previewDecoder(
  { layout, onPart }: FoundModel,
  parts: Parts,
  { channels }: LatentSpace,
  whole: (latents: Tensor) => Promise<RgbImage[]>,
): (latents: Tensor) => Promise<RgbImage[]> {
  if (layout.files.taesd_decoder === undefined) return whole;
  let opening: Promise<TinyDecoder | null> | null = null;
  const open = async (): Promise<TinyDecoder | null> => {
    try {
      return await openTinyDecoder(await parts.open('taesd_decoder', onPart), channels);
    } catch {
      // A look in between is not worth a run; the doctor says what is wrong with it.
      return null;
    }
  };
  return async (latents) => {
    opening ??= open();
    const tiny = await opening;
    return tiny === null ? whole(latents) : tiny.decode(latents);
  };
}

const encoderPart = 'vae_encoder';

/** The encoder of pictures: most runs need none, and old exports have none. */
class LazyEncoder {
  readonly #options: FoundModel;
  readonly #parts: Parts;
  readonly #modelHash: string;
  readonly #sizes: ProbeSizes;
  #opened: ModelSession | null = null;
  /** The same once it is known to be right on its device. */
  #session: ModelSession | null = null;

  constructor(options: FoundModel, parts: Parts, modelHash: string, sizes: ProbeSizes) {
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
    if (this.#options.layout.files[encoderPart] === undefined) {
      throw new ModelFault('VAE_ENCODER_MISSING', encoderPart, {
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
    // One that samples inside its graph gives other latents every time.
    if (!session.outputs.some(({ name }) => name === 'latent_parameters')) return;
    await verifyLater(this.#options, `${this.#modelHash}-${encoderPart}`, encoderPart, session, this.#sizes);
  }
}
