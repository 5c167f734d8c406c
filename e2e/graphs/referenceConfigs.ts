import type { ClipTextConfig } from '../../electron/engine/graph/architectures/clipText.ts';
import type { TaesdConfig } from '../../electron/engine/graph/architectures/taesd.ts';
import type { UnetConfig } from '../../electron/engine/graph/architectures/unet.ts';
import type { VaeConfig } from '../../electron/engine/graph/architectures/vae.ts';

export interface DiffusersUnet {
  readonly in_channels?: number;
  readonly out_channels?: number;
  readonly block_out_channels?: readonly number[];
  readonly layers_per_block?: number;
  readonly down_block_types?: readonly string[];
  readonly transformer_layers_per_block?: number | readonly number[];
  readonly attention_head_dim: number | readonly number[];
  readonly cross_attention_dim: number;
  readonly time_cond_proj_dim?: number;
  readonly addition_time_embed_dim?: number;
  readonly projection_class_embeddings_input_dim?: number;
  readonly norm_num_groups?: number;
}

/** diffusers' config of the models this folder's recipe makes. */
export function unetConfig(file: DiffusersUnet): UnetConfig {
  const channels = file.block_out_channels ?? [320, 640, 1280, 1280];
  const perLevel = (value: number | readonly number[]): readonly number[] => (typeof value === 'number' ? channels.map(() => value) : value);
  const layers = perLevel(file.transformer_layers_per_block ?? 1);
  const attends = file.down_block_types?.map((type) => type.startsWith('CrossAttn')) ?? [true, true, true, false];
  const { addition_time_embed_dim: timeIdWidth, projection_class_embeddings_input_dim: added = 0 } = file;
  const timeIds = channels.length === 3 ? 6 : 5;
  return {
    inChannels: file.in_channels ?? 4,
    outChannels: file.out_channels ?? 4,
    blockOutChannels: channels,
    layersPerBlock: file.layers_per_block ?? 2,
    transformerLayers: layers.map((count, level) => (attends[level] === true ? count : 0)),
    midTransformerLayers: layers.at(-1) ?? 0,
    heads: perLevel(file.attention_head_dim),
    crossAttentionDim: file.cross_attention_dim,
    timeCondProjDim: file.time_cond_proj_dim ?? null,
    textTime: timeIdWidth === undefined ? null : { pooledWidth: added - timeIds * timeIdWidth, timeIds, timeIdWidth },
    normGroups: file.norm_num_groups ?? 32,
  };
}

export interface TransformersText {
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly hidden_act: 'quick_gelu' | 'gelu';
  readonly eos_token_id: number;
}

export function textConfig(file: TransformersText, projection: boolean): ClipTextConfig {
  return {
    hiddenSize: file.hidden_size,
    layers: file.num_hidden_layers,
    heads: file.num_attention_heads,
    activation: file.hidden_act,
    eosTokenId: file.eos_token_id,
    projection,
  };
}

export interface DiffusersVae {
  readonly latent_channels: number;
  readonly block_out_channels: readonly number[];
  readonly layers_per_block: number;
  readonly norm_num_groups: number;
}

export function vaeConfig(file: DiffusersVae): VaeConfig {
  return {
    latentChannels: file.latent_channels,
    blockOutChannels: file.block_out_channels,
    layersPerBlock: file.layers_per_block,
    normGroups: file.norm_num_groups,
  };
}

export const taesdConfig: TaesdConfig = { latentChannels: 4, encoderBlocks: [1, 3, 3, 3], decoderBlocks: [3, 3, 3, 1] };
