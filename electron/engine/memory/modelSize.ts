import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { readConfigs } from '../pipelines/configs.ts';
import { partNames, type PartName, readLayout } from '../pipelines/layout.ts';
import { checkPart } from '../pipelines/openChecked.ts';

/** One part by what its file says. */
export interface PartSize {
  readonly part: PartName;
  readonly weightBytes: number;
  /** Weights and values are half precision. */
  readonly isHalf: boolean;
  readonly attention: AttentionKind;
}

/**
 * How a graph writes attention. `fused`: one operator that never holds the scores of all tokens. `plain`: MatMul, Softmax, MatMul.
 * `added`: exports before torch 2.1 add a tensor of zeros as large as the scores (`baddbmm`).
 */
export type AttentionKind = 'fused' | 'plain' | 'added';

/** What a model takes, as far as its files tell. */
export interface ModelSize {
  readonly parts: readonly PartSize[];
  readonly pixelFactor: number;
  readonly latentChannels: number;
  /** Attention heads of each level of the UNet, outermost first; 0: no attention there. */
  readonly heads: readonly number[];
  /** Channels of the UNet's outermost level. */
  readonly channels: number;
  /** Channels of the VAE's outermost level. */
  readonly vaeChannels: number;
}

const unetSchema = z.object({
  block_out_channels: z.array(z.int()).optional(),
  down_block_types: z.array(z.string()).optional(),
  /** diffusers calls the number of heads so, for these models. */
  attention_head_dim: z.union([z.int(), z.array(z.int())]).optional(),
  num_attention_heads: z.union([z.int(), z.array(z.int())]).nullish(),
});
const vaeSchema = z.object({ latent_channels: z.int().optional(), block_out_channels: z.array(z.int()).min(1).optional() });

/** Without a config: Stable Diffusion 1.5, whose attention takes the most. */
const usualBlocks = [320, 640, 1280, 1280];
const usualHeads = 8;
const usualVae = [128, 256, 512, 512];

/**
 * Reads what is needed to foresee a model's memory; no weights are read.
 * @throws StopbathError as `readLayout`, `checkPart` and `readConfigs` do.
 */
export async function readModelSize(folder: string): Promise<ModelSize> {
  const layout = await readLayout(folder);
  const configs = await readConfigs(layout);
  const parts: PartSize[] = [];
  for (const part of partNames) {
    const file = layout.files[part];
    if (file === undefined) continue;
    const { external, inlineBytes, computesInHalf } = await checkPart(layout, part);
    const weightBytes = external.reduce((sum, { length }) => sum + (length ?? 0), inlineBytes);
    parts.push({ part, weightBytes, isHalf: computesInHalf, attention: external.length === 0 ? 'plain' : await attentionOf(file) });
  }
  const unet = unetSchema.safeParse(configs.unet ?? {}).data ?? {};
  const vae = vaeSchema.safeParse(configs.vae).data ?? {};
  const blocks = unet.block_out_channels ?? usualBlocks;
  const heads = unet.num_attention_heads ?? unet.attention_head_dim ?? usualHeads;
  const types = unet.down_block_types ?? [];
  const vaeBlocks = vae.block_out_channels ?? usualVae;
  return {
    parts,
    pixelFactor: 2 ** (vaeBlocks.length - 1),
    latentChannels: vae.latent_channels ?? 4,
    heads: blocks.map((_, level) => {
      const has = types[level]?.includes('CrossAttn') ?? level < blocks.length - 1;
      return has ? (typeof heads === 'number' ? heads : (heads[level] ?? usualHeads)) : 0;
    }),
    channels: blocks[0] ?? 0,
    vaeChannels: vaeBlocks[0] ?? 0,
  };
}

/** A graph beside its weights is smaller; a file that holds them too is not read for this. */
const mostGraphBytes = 16 * 2 ** 20;
/** A UNet has one for every two attentions at least; other uses are few. */
const manyZeros = 12;

/** Names of operators stand in the file as they are. */
async function attentionOf(file: string): Promise<AttentionKind> {
  if ((await stat(file)).size > mostGraphBytes) return 'plain';
  const bytes = await readFile(file);
  if (bytes.includes('MultiHeadAttention') || bytes.includes('FlashAttention')) return 'fused';
  let zeros = 0;
  for (let at = bytes.indexOf(zerosOperator); at >= 0 && zeros < manyZeros; at = bytes.indexOf(zerosOperator, at + 1)) zeros++;
  return zeros >= manyZeros ? 'added' : 'plain';
}

/** Field 4 (op_type) of a NodeProto, 15 bytes long. */
const zerosOperator = Buffer.concat([Buffer.of(0x22, 15), Buffer.from('ConstantOfShape')]);
