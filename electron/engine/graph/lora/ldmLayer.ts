const inResnet: Readonly<Record<string, string>> = {
  norm1: 'in_layers.0',
  conv1: 'in_layers.2',
  norm2: 'out_layers.0',
  conv2: 'out_layers.3',
  time_emb_proj: 'emb_layers.1',
  conv_shortcut: 'skip_connection',
};

const outer: Readonly<Record<string, string>> = {
  conv_in: 'input_blocks.0.0',
  conv_norm_out: 'out.0',
  conv_out: 'out.2',
  'time_embedding.linear_1': 'time_embed.0',
  'time_embedding.linear_2': 'time_embed.2',
  'time_embedding.cond_proj': 'time_embed.cond_proj',
  'add_embedding.linear_1': 'label_emb.0.0',
  'add_embedding.linear_2': 'label_emb.0.2',
};

const inBlock = /^(?<block>down_blocks\.\d+|mid_block|up_blocks\.\d+)\.(?<kind>resnets|attentions|downsamplers|upsamplers)\.(?<index>\d+)\.(?<rest>.+)$/;

/**
 * What the original UNet calls a layer: the way back of `readers/ldmUnet.ts`.
 * @param name diffusers', without `.weight`
 * @param transformerLayers of each level, outermost first; 0: no attention there
 * @returns one name, or none
 */
export function ldmLayerOf(name: string, layersPerBlock: number, transformerLayers: readonly number[]): readonly string[] {
  const known = outer[name];
  if (known !== undefined) return [known];
  const { block = '', kind = '', index = '0', rest = '' } = inBlock.exec(name)?.groups ?? {};
  const inner = kind === 'resnets' ? inResnet[rest] : rest;
  if (kind === '' || inner === undefined) return [];
  const slot = kind === 'attentions' ? 1 : 0;
  if (block === 'mid_block') return [`middle_block.${slot === 1 ? 1 : 2 * Number(index)}.${inner}`];
  const level = Number(block.split('.')[1]);
  const first = level * (layersPerBlock + 1);
  switch (kind) {
    case 'downsamplers':
      return [`input_blocks.${1 + first + layersPerBlock}.0.op`];
    case 'upsamplers':
      // It comes behind the attention of the level's last block, where there is one.
      return [`output_blocks.${first + layersPerBlock}.${(transformerLayers.at(-1 - level) ?? 0) > 0 ? 2 : 1}.conv`];
    default:
      return [block.startsWith('down') ? `input_blocks.${1 + first + Number(index)}.${slot}.${inner}` : `output_blocks.${first + Number(index)}.${slot}.${inner}`];
  }
}
