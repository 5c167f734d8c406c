import { type NamedTensor, type NamedTensors, renamed } from './namedTensors.ts';

/** Names at the beginning, in and out of the UNet; diffusers `single_file_utils.py`, `DIFFUSERS_TO_LDM_MAPPING["unet"]`. */
const outer: Readonly<Record<string, string>> = {
  'time_embed.0': 'time_embedding.linear_1',
  'time_embed.2': 'time_embedding.linear_2',
  'time_embed.cond_proj': 'time_embedding.cond_proj',
  'label_emb.0.0': 'add_embedding.linear_1',
  'label_emb.0.2': 'add_embedding.linear_2',
  'input_blocks.0.0': 'conv_in',
  'out.0': 'conv_norm_out',
  'out.2': 'conv_out',
};

const inResnet: Readonly<Record<string, string>> = {
  'in_layers.0': 'norm1',
  'in_layers.2': 'conv1',
  'out_layers.0': 'norm2',
  'out_layers.3': 'conv2',
  'emb_layers.1': 'time_emb_proj',
  skip_connection: 'conv_shortcut',
};

/** Where a numbered block of the LDM layout stands in diffusers': `block` is the level, `layer` its place within. */
interface Place {
  readonly block: number;
  readonly layer: number;
}

/**
 * A UNet of the original (LDM) layout under diffusers' names. LDM numbers its blocks through; a level ends where a block brings
 * its down- or upsampler.
 * @param tensors without `model.diffusion_model.`
 * @returns what is not known keeps its name
 */
export function unetFromLdm(tensors: NamedTensors): Map<string, NamedTensor> {
  // input_blocks.0 is conv_in; a downsampler is a block of its own, an upsampler comes in a level's last block.
  const inputs = places(tensors, 'input_blocks', 1, (index) => tensors.has(`input_blocks.${index}.0.op.weight`));
  const outputs = places(tensors, 'output_blocks', 0, (index) => [1, 2].some((slot) => tensors.has(`output_blocks.${index}.${slot}.conv.weight`)));
  return renamed(tensors, (name) => {
    const [, head = '', kind = ''] = /^(.*)\.(weight|bias)$/.exec(name) ?? [];
    const known = outer[head];
    if (known !== undefined) return `${known}.${kind}`;
    return inputName(name, inputs) ?? middleName(name) ?? outputName(name, outputs) ?? name;
  });
}

function places(tensors: NamedTensors, prefix: string, first: number, endsLevel: (index: number) => boolean): ReadonlyMap<number, Place> {
  const found = new Set<number>();
  for (const name of tensors.keys()) {
    const index = new RegExp(`^${prefix}\\.(\\d{1,3})\\.`).exec(name)?.[1];
    if (index !== undefined) found.add(Number(index));
  }
  const result = new Map<number, Place>();
  let [block, layer] = [0, 0];
  for (let index = first; found.has(index); index++) {
    result.set(index, { block, layer });
    if (endsLevel(index)) [block, layer] = [block + 1, 0];
    else layer++;
  }
  return result;
}

function inputName(name: string, inputs: ReadonlyMap<number, Place>): string | null {
  const [, index, slot, rest = ''] = /^input_blocks\.(\d+)\.([01])\.(.+)$/.exec(name) ?? [];
  const place = inputs.get(Number(index));
  if (place === undefined) return null;
  const level = `down_blocks.${place.block}`;
  if (slot === '1') return `${level}.attentions.${place.layer}.${rest}`;
  if (rest.startsWith('op.')) return `${level}.downsamplers.0.conv.${rest.slice('op.'.length)}`;
  return resnetName(`${level}.resnets.${place.layer}`, rest);
}

function middleName(name: string): string | null {
  const [, slot, rest = ''] = /^middle_block\.([012])\.(.+)$/.exec(name) ?? [];
  if (slot === undefined) return null;
  return slot === '1' ? `mid_block.attentions.0.${rest}` : resnetName(`mid_block.resnets.${Number(slot) / 2}`, rest);
}

function outputName(name: string, outputs: ReadonlyMap<number, Place>): string | null {
  const [, index, slot, rest = ''] = /^output_blocks\.(\d+)\.([012])\.(.+)$/.exec(name) ?? [];
  const place = outputs.get(Number(index));
  if (place === undefined) return null;
  const level = `up_blocks.${place.block}`;
  if (slot === '0') return resnetName(`${level}.resnets.${place.layer}`, rest);
  if (rest.startsWith('conv.')) return `${level}.upsamplers.0.${rest}`;
  return slot === '1' ? `${level}.attentions.${place.layer}.${rest}` : null;
}

function resnetName(place: string, rest: string): string | null {
  const [, head = '', kind = ''] = /^(.*)\.(weight|bias)$/.exec(rest) ?? [];
  const known = inResnet[head];
  return known === undefined ? null : `${place}.${known}.${kind}`;
}

const emaPrefix = 'model_ema.';

/**
 * The averaged weights that a training checkpoint may hold beside the last ones; their names have no dots.
 * @param whole all tensors of the file
 * @returns null where there are none, as for diffusers: fewer than a hundred are no UNet
 */
export function emaUnet(whole: NamedTensors, unet: NamedTensors): NamedTensors | null {
  const count = [...whole.keys()].filter((name) => name.startsWith(emaPrefix)).length;
  if (count <= 100) return null;
  const result = new Map<string, NamedTensor>();
  for (const name of unet.keys()) {
    const tensor = whole.get(`${emaPrefix}diffusion_model${name.replaceAll('.', '')}`);
    if (tensor !== undefined) result.set(name, tensor);
  }
  return result;
}
