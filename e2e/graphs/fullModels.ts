import path from 'node:path';
import { clipTextGraph } from '../../electron/engine/graph/architectures/clipText.ts';
import { unetGraph, type UnetOptions } from '../../electron/engine/graph/architectures/unet.ts';
import { vaeDecoderGraph, vaeEncoderGraph } from '../../electron/engine/graph/architectures/vae.ts';
import { GraphFolder, readWeights } from './fixtures.ts';
import { textConfig, unetConfig, vaeConfig } from './referenceConfigs.ts';

/** configs.py: FULL_UNETS, FULL_TEXT, FULL_VAE */
const unets = {
  mid: { block_out_channels: [128, 256, 512, 512], cross_attention_dim: 768, attention_head_dim: 8 },
  sd15: { cross_attention_dim: 768, attention_head_dim: 8 },
  sdxl: {
    down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
    block_out_channels: [320, 640, 1280],
    attention_head_dim: [5, 10, 20],
    cross_attention_dim: 2048,
    transformer_layers_per_block: [1, 2, 10],
    addition_time_embed_dim: 256,
    projection_class_embeddings_input_dim: 2816,
  },
};
export type FullUnet = keyof typeof unets;
const text = { hidden_size: 768, num_hidden_layers: 12, num_attention_heads: 12, hidden_act: 'quick_gelu', eos_token_id: 2 } as const;
const vae = { latent_channels: 4, block_out_channels: [128, 256, 512, 512], layers_per_block: 2, norm_num_groups: 32 };

/** Writes the graph of a model beside a hard link of the weights full_size.py made. @returns the graph's path */
function beside(folder: string, name: string, graph: string, content: Buffer): string {
  return new GraphFolder([path.join(folder, `${name}.safetensors`)], path.join(folder, `${name}.graph`)).write(graph, content);
}

const weightsOf = (folder: string, name: string) => readWeights(path.join(folder, `${name}.safetensors`));

export function writeUnet(folder: string, name: FullUnet, options: UnetOptions = {}): string {
  const label = `${options.part ?? 'whole'}-${options.shallowLayers ?? 0}`;
  return beside(folder, name, label, unetGraph(unetConfig(unets[name]), weightsOf(folder, name), options));
}

export function writeText(folder: string): string {
  return beside(folder, 'text', 'text', clipTextGraph(textConfig(text, false), weightsOf(folder, 'text')));
}

export function writeVae(folder: string, part: 'decoder' | 'encoder'): string {
  const build = part === 'decoder' ? vaeDecoderGraph : vaeEncoderGraph;
  return beside(folder, 'vae', part, build(vaeConfig(vae), weightsOf(folder, 'vae')));
}
