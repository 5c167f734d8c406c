import type { ClipTextConfig } from '../architectures/clipText.ts';
import type { TextTime, UnetConfig } from '../architectures/unet.ts';
import type { VaeConfig } from '../architectures/vae.ts';
import type { TextSizes, VaeHalves } from './expected.ts';
import { hasUnder, type NamedTensor, type NamedTensors } from './namedTensors.ts';
import { broken, quoted } from './refusal.ts';

/** More than any model has; keeps a made-up file from a graph without end. */
const mostLevels = 8;
const mostLayers = 64;
const mostDepth = 128;

/** What config.json of a diffusers folder says and no tensor shows. Left out: what Stable Diffusion's own models have. */
export interface UnetHints {
  /** diffusers' `attention_head_dim` (which is a count) or `num_attention_heads`. */
  readonly heads?: number | readonly number[];
  readonly normGroups?: number;
  readonly timeIdWidth?: number;
  /** Width of the pooled text that the UNet is told. */
  readonly pooledWidth?: number | null;
  /** SDXL: 6 for models with two text encoders, 5 for the refiner. */
  readonly timeIds?: number;
}

/**
 * A UNet's config from its tensors.
 * @param tensors under diffusers' names
 * @throws StopbathError `MODEL_BAD` naming the tensor without which nothing can be said.
 */
export function inferUnet(tensors: NamedTensors, hints: UnetHints = {}): UnetConfig {
  const levels = count(tensors, 'down_blocks', mostLevels);
  const blockOutChannels = Array.from({ length: levels }, (_, level) => side(tensors, `down_blocks.${level}.resnets.0.conv1.weight`, 0));
  const transformerLayers = blockOutChannels.map((_, level) => count(tensors, `down_blocks.${level}.attentions.0.transformer_blocks`, mostDepth));
  const [first] = [...tensors].find(([name]) => name.endsWith('.attn2.to_k.weight')) ?? [];
  if (first === undefined) throw broken('The UNet has no cross-attention: it listens to no text.');
  const heads = hints.heads ?? usualHeads(tensors, blockOutChannels);
  const cond = tensors.get('time_embedding.cond_proj.weight');
  return {
    inChannels: side(tensors, 'conv_in.weight', 1),
    outChannels: side(tensors, 'conv_out.weight', 0),
    blockOutChannels,
    layersPerBlock: count(tensors, 'down_blocks.0.resnets', mostLayers),
    transformerLayers,
    midTransformerLayers: count(tensors, 'mid_block.attentions.0.transformer_blocks', mostDepth),
    heads: typeof heads === 'number' ? blockOutChannels.map(() => heads) : heads,
    crossAttentionDim: side(tensors, first, 1),
    timeCondProjDim: cond === undefined ? null : (cond.dims[1] ?? 0),
    textTime: inferTextTime(tensors, hints),
    ...(hints.normGroups === undefined ? {} : { normGroups: hints.normGroups }),
  };
}

/**
 * Stable Diffusion 1 has eight heads everywhere, and pixel convolutions around its transformers; 2 and XL have matrices there, and
 * heads of 64 channels (LDM `use_linear_in_transformer`, `num_head_channels`).
 */
function usualHeads(tensors: NamedTensors, widths: readonly number[]): readonly number[] {
  return widths.map((width) => (isLinear(tensors) ? headsOf64(width) : 8));
}

/** Whether the transformers of a UNet begin with a matrix: those of Stable Diffusion 1 do not. */
export function isLinear(tensors: NamedTensors): boolean {
  return [...tensors].some(([name, { dims }]) => name.endsWith('.proj_in.weight') && dims.length === 2);
}

const headsOf64 = (width: number): number => Math.max(1, Math.floor(width / 64));

function inferTextTime(tensors: NamedTensors, { pooledWidth = null, timeIdWidth, timeIds = 6 }: UnetHints): TextTime | null {
  const tensor = tensors.get('add_embedding.linear_1.weight');
  if (tensor === undefined) return null;
  const width = tensor.dims[1] ?? 0;
  if (pooledWidth === null) throw broken('The UNet is told a pooled text, but no text encoder of the model gives one.');
  const left = width - pooledWidth;
  const each = timeIdWidth ?? left / timeIds;
  const fits = left > 0 && Number.isSafeInteger(each) && Number.isSafeInteger(left / each);
  if (fits) return { pooledWidth, timeIds: left / each, timeIdWidth: each };
  throw broken(`The UNet takes ${width} added values; with a pooled text of ${pooledWidth} that leaves no whole number of sizes.`);
}

export interface InferredVae {
  readonly config: VaeConfig;
  readonly halves: VaeHalves;
}

/** @param tensors under diffusers' names @throws StopbathError `MODEL_BAD` */
export function inferVae(tensors: NamedTensors, normGroups?: number): InferredVae {
  const levels = count(tensors, 'decoder.up_blocks', mostLevels);
  const blockOutChannels = Array.from({ length: levels }, (_, level) =>
    side(tensors, `decoder.up_blocks.${levels - 1 - level}.resnets.0.conv1.weight`, 0),
  );
  return {
    config: {
      latentChannels: side(tensors, 'decoder.conv_in.weight', 1),
      blockOutChannels,
      layersPerBlock: count(tensors, 'decoder.up_blocks.0.resnets', mostLayers) - 1,
      ...(normGroups === undefined ? {} : { normGroups }),
    },
    halves: { encoder: hasUnder(tensors, 'encoder.'), quantised: tensors.has('post_quant_conv.weight') },
  };
}

/** What a text encoder's config.json says and no tensor shows; see {@link UnetHints}. */
export interface TextHints {
  readonly heads?: number;
  readonly activation: ClipTextConfig['activation'];
  readonly eosTokenId?: number;
  /** Whether the projected text is wanted, where there is a projection. */
  readonly projects: boolean;
}

export interface InferredText {
  readonly config: ClipTextConfig;
  readonly sizes: TextSizes;
}

/** The end token of CLIP's vocabulary. */
const clipEnd = 49_407;

/** @param tensors under transformers' names @throws StopbathError `MODEL_BAD` */
export function inferText(tensors: NamedTensors, hints: TextHints): InferredText {
  const hiddenSize = side(tensors, 'text_model.embeddings.token_embedding.weight', 1);
  const vocabulary = side(tensors, 'text_model.embeddings.token_embedding.weight', 0);
  const projection = tensors.get('text_projection.weight');
  return {
    config: {
      hiddenSize,
      layers: count(tensors, 'text_model.encoder.layers', mostLayers),
      // CLIP-L, OpenCLIP-H and bigG alike.
      heads: hints.heads ?? headsOf64(hiddenSize),
      activation: hints.activation,
      eosTokenId: hints.eosTokenId ?? (vocabulary > clipEnd ? clipEnd : 2),
      projection: hints.projects && projection !== undefined,
    },
    sizes: {
      vocabulary,
      positions: side(tensors, 'text_model.embeddings.position_embedding.weight', 0),
      intermediate: side(tensors, 'text_model.encoder.layers.0.mlp.fc1.weight', 0),
      projection: projection === undefined ? null : projectedWidth(projection),
    },
  };
}

function projectedWidth({ dims, transposed }: NamedTensor): number {
  return (transposed === true ? dims[1] : dims[0]) ?? 0;
}

/** How many `prefix.0.`, `prefix.1.` ... there are. */
function count(tensors: NamedTensors, prefix: string, most: number): number {
  const found = new Set<string>();
  for (const name of tensors.keys()) {
    if (name.startsWith(`${prefix}.`)) found.add(name.slice(prefix.length + 1, name.indexOf('.', prefix.length + 1)));
  }
  if (found.size > most) throw broken(`There are ${found.size} ${quoted(prefix)}; no model has more than ${most}.`);
  return found.size;
}

function side(tensors: NamedTensors, name: string, index: number): number {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw broken(`The tensor ${quoted(name)} is missing, which every model of this kind has.`);
  const value = tensor.dims[index] ?? 0;
  if (value > 0) return value;
  throw broken(`Tensor ${quoted(tensor.storedAs)} has the sides [${tensor.dims.join(', ')}], which no model has.`);
}
