import type { ClipTextConfig } from '../architectures/clipText.ts';
import type { UnetConfig } from '../architectures/unet.ts';
import type { VaeConfig } from '../architectures/vae.ts';
import { expectedText, expectedUnet, expectedVae, type TextSizes, type VaeHalves } from './expected.ts';
import { requireFit } from './fit.ts';
import { inferText, inferUnet, inferVae, isLinear, type TextHints, type UnetHints } from './infer.ts';
import type { NamedTensors } from './namedTensors.ts';
import { broken, unsupported } from './refusal.ts';

export const checkpointFamilies = ['sd1', 'sd2', 'sdxl', 'sdxl-refiner'] as const;
export type CheckpointFamily = (typeof checkpointFamilies)[number];

/** What people call a family. */
export const familyNames: Readonly<Record<CheckpointFamily, string>> = {
  sd1: 'Stable Diffusion 1',
  sd2: 'Stable Diffusion 2',
  sdxl: 'SDXL',
  'sdxl-refiner': 'SDXL refiner',
};

/** Folders of a standard model folder that hold text encoders. */
export type TextPartName = 'text_encoder' | 'text_encoder_2';

export interface TextPart {
  readonly name: TextPartName;
  readonly config: ClipTextConfig;
  readonly sizes: TextSizes;
  /** Under transformers' names. */
  readonly tensors: NamedTensors;
}

export interface VaePart {
  readonly config: VaeConfig;
  readonly halves: VaeHalves;
  /** diffusers' `scaling_factor`. */
  readonly scalingFactor: number;
  readonly latentsMean: readonly number[] | null;
  readonly latentsStd: readonly number[] | null;
  /** Under diffusers' names. */
  readonly tensors: NamedTensors;
}

/** The parts of a model as its files hold them, each complete and of one architecture, and fit for one another. */
export interface CheckpointModel {
  readonly family: CheckpointFamily;
  /** Tensors under diffusers' names. */
  readonly unet: { readonly config: UnetConfig; readonly tensors: NamedTensors };
  readonly text: readonly TextPart[];
  readonly vae: VaePart;
}

/** A part's tensors and what its layout or its config file says beyond them. */
export interface RawText {
  readonly name: TextPartName;
  readonly tensors: NamedTensors;
  readonly hints: TextHints;
}

export interface RawVae {
  readonly tensors: NamedTensors;
  readonly normGroups?: number;
  readonly scalingFactor?: number;
  readonly latentsMean?: readonly number[] | null;
  readonly latentsStd?: readonly number[] | null;
}

export interface RawModel {
  readonly unet: { readonly tensors: NamedTensors; readonly hints: UnetHints };
  readonly text: readonly RawText[];
  readonly vae: RawVae;
}

/**
 * Puts parts together: their configs from their tensors, every tensor held against its architecture, the parts against each other.
 * @throws StopbathError `MODEL_BAD`, `MODEL_UNSUPPORTED`
 */
export function assemble(raw: RawModel): CheckpointModel {
  const text = raw.text.map(readText);
  const family = familyOf(raw, text);
  const isXl = family === 'sdxl' || family === 'sdxl-refiner';
  const pooledWidth = isXl ? (text.at(-1)?.sizes.projection ?? null) : null;
  const config = inferUnet(raw.unet.tensors, { pooledWidth, timeIds: family === 'sdxl-refiner' ? 5 : 6, ...raw.unet.hints });
  requireKnownUse(config, family);
  requireHeads(config);
  requireGroups('UNet', config);
  requireFit('UNet', raw.unet.tensors, expectedUnet(config));
  const heard = text.reduce((sum, part) => sum + part.config.hiddenSize, 0);
  if (heard !== config.crossAttentionDim) {
    throw broken(
      `The UNet takes texts of ${config.crossAttentionDim} values a token, the text ${text.length > 1 ? 'encoders give' : 'encoder gives'} ${heard}: the parts belong to different models.`,
    );
  }
  const vae = readVae(raw.vae, isXl);
  if (vae.config.latentChannels !== config.outChannels) {
    throw broken(`The VAE has ${vae.config.latentChannels} latent channels, the UNet ${config.outChannels}: the parts belong to different models.`);
  }
  return { family, unet: { config, tensors: raw.unet.tensors }, text, vae };
}

function readText({ name, tensors, hints }: RawText): TextPart {
  const { config, sizes } = inferText(tensors, hints);
  const what = name === 'text_encoder' ? 'text encoder' : 'second text encoder';
  requireFit(what, tensors, expectedText(config, sizes));
  if (config.hiddenSize % config.heads !== 0) throw broken(`The ${what} has ${config.hiddenSize} channels, which do not make ${config.heads} heads.`);
  return { name, config, sizes, tensors };
}

/** By what its parts are: added conditions make an XL model, matrices around the transformers Stable Diffusion 2. */
function familyOf({ unet }: RawModel, text: readonly TextPart[]): CheckpointFamily {
  const names = text.map(({ name }) => name);
  const isXl = names.includes('text_encoder_2');
  const isAdded = unet.tensors.has('add_embedding.linear_1.weight');
  if (isXl && !isAdded) throw broken('The text encoders are those of SDXL, the UNet is not: the parts belong to different models.');
  if (!isXl && isAdded) {
    throw unsupported(
      'The UNet takes added conditions, as those of SDXL and of Stable Diffusion unCLIP do, and there is no second text encoder for them.',
      'Open a whole SDXL checkpoint; unCLIP models cannot be run.',
    );
  }
  if (isXl) return names.includes('text_encoder') ? 'sdxl' : 'sdxl-refiner';
  return isLinear(unet.tensors) ? 'sd2' : 'sd1';
}

/** UNets by what they are shown beside the latents. */
const otherUses: ReadonlyMap<number, string> = new Map([
  [5, 'a depth-to-image model: it is shown a depth map'],
  [7, 'an upscaler: it is shown a small picture'],
  [8, 'an InstructPix2Pix model: it is shown the picture to edit'],
]);

function requireKnownUse({ inChannels, outChannels }: CheckpointModel['unet']['config'], family: CheckpointFamily): void {
  if (inChannels === outChannels || inChannels === 2 * outChannels + 1) return;
  const use = otherUses.get(inChannels) ?? `made for something else: it takes ${inChannels} channels and gives ${outChannels}`;
  throw unsupported(`This ${familyNames[family]} checkpoint is ${use}.`, 'Open a model for text, pictures or inpainting.');
}

function requireHeads({ blockOutChannels, heads }: CheckpointModel['unet']['config']): void {
  const isFine = heads.length === blockOutChannels.length && blockOutChannels.every((width, level) => width % (heads[level] ?? 0) === 0);
  if (!isFine) throw broken(`Channels [${blockOutChannels.join(', ')}] of the UNet do not make heads of [${heads.join(', ')}].`);
}

/** Group normalisation takes whole groups; nearly every model has 32. */
function requireGroups(what: string, { blockOutChannels, normGroups = 32 }: { readonly blockOutChannels: readonly number[]; readonly normGroups?: number }): void {
  if (blockOutChannels.every((width) => width % normGroups === 0)) return;
  throw broken(`Channels [${blockOutChannels.join(', ')}] of the ${what} do not make ${normGroups} groups.`);
}

function readVae(raw: RawVae, isXl: boolean): VaePart {
  const { config, halves } = inferVae(raw.tensors, raw.normGroups);
  requireGroups('VAE', config);
  requireFit('VAE', raw.tensors, expectedVae(config, halves));
  return {
    config,
    halves,
    scalingFactor: raw.scalingFactor ?? (isXl ? 0.13025 : 0.18215),
    latentsMean: raw.latentsMean ?? null,
    latentsStd: raw.latentsStd ?? null,
    tensors: raw.tensors,
  };
}
