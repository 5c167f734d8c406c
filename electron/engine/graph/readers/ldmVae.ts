import { asMatrix, hasUnder, type NamedTensor, type NamedTensors, renamed } from './namedTensors.ts';

const inAttention: Readonly<Record<string, string>> = {
  norm: 'group_norm',
  q: 'to_q',
  k: 'to_k',
  v: 'to_v',
  proj_out: 'to_out.0',
  // diffusers before 0.18.
  query: 'to_q',
  key: 'to_k',
  value: 'to_v',
  proj_attn: 'to_out.0',
};

/**
 * A VAE under diffusers' names, from the original (LDM) layout or from diffusers' own of any age.
 * @param tensors without `first_stage_model.`
 * @returns what is not known keeps its name; attention weights are matrices, though LDM keeps them as convolutions
 */
export function vaeTensors(tensors: NamedTensors): Map<string, NamedTensor> {
  const isLdm = hasUnder(tensors, 'decoder.up.') || hasUnder(tensors, 'encoder.down.');
  const levels = upLevels(tensors);
  const named = renamed(tensors, (name) => {
    if (isIgnored(name)) return null;
    return attentionName(isLdm ? ldmName(name, levels) : name);
  });
  for (const [name, tensor] of named) {
    if (/\.attentions\.0\.to_.*weight$/.test(name)) named.set(name, asMatrix(tensor));
  }
  return named;
}

/** The discriminator and the averages of the VAE's own training. */
function isIgnored(name: string): boolean {
  return name.startsWith('loss.') || name.startsWith('model_ema.');
}

/** LDM counts the decoder's levels from the pixels, diffusers from the latents. */
function upLevels(tensors: NamedTensors): number {
  let levels = 0;
  while (hasUnder(tensors, `decoder.up.${levels}.`)) levels++;
  return levels;
}

function ldmName(name: string, levels: number): string {
  return name
    .replace(/^(encoder|decoder)\.norm_out\./, '$1.conv_norm_out.')
    .replace(/^encoder\.down\.(\d+)\.block\.(\d+)\./, 'encoder.down_blocks.$1.resnets.$2.')
    .replace(/^encoder\.down\.(\d+)\.downsample\./, 'encoder.down_blocks.$1.downsamplers.0.')
    .replace(/^decoder\.up\.(\d+)\.block\.(\d+)\./, (_, level: string, block: string) => `decoder.up_blocks.${levels - 1 - Number(level)}.resnets.${block}.`)
    .replace(/^decoder\.up\.(\d+)\.upsample\./, (_, level: string) => `decoder.up_blocks.${levels - 1 - Number(level)}.upsamplers.0.`)
    .replace(/^(encoder|decoder)\.mid\.block_([12])\./, (_, side: string, block: string) => `${side}.mid_block.resnets.${Number(block) - 1}.`)
    .replace(/^(encoder|decoder)\.mid\.attn_1\./, '$1.mid_block.attentions.0.')
    .replace('.nin_shortcut.', '.conv_shortcut.');
}

function attentionName(name: string): string {
  const [, place = '', layer = '', kind = ''] = /^((?:encoder|decoder)\.mid_block\.attentions\.0)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
  const known = inAttention[layer];
  return known === undefined ? name : `${place}.${known}.${kind}`;
}
