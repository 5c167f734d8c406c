import { type NamedTensor, type NamedTensors, renamed, rowsOf } from './namedTensors.ts';

/** What text encoders carry that no run needs: position ids are 0 to 76, the logit scale belongs to CLIP's training. */
function isIgnored(name: string): boolean {
  return name.endsWith('position_ids') || name.endsWith('logit_scale') || name === 'attn_mask';
}

/**
 * A text encoder of transformers' layout.
 * @param tensors without the prefix of the file
 * @returns every name with `text_model.`, which the oldest and the newest files leave out
 */
export function clipTensors(tensors: NamedTensors): Map<string, NamedTensor> {
  return renamed(tensors, (name) => {
    if (isIgnored(name)) return null;
    return /^(embeddings|encoder|final_layer_norm)\./.test(name) ? `text_model.${name}` : name;
  });
}

/** diffusers `single_file_utils.py`, `DIFFUSERS_TO_LDM_MAPPING["openclip"]`. */
const openClipOuter: Readonly<Record<string, string>> = {
  positional_embedding: 'text_model.embeddings.position_embedding.weight',
  'token_embedding.weight': 'text_model.embeddings.token_embedding.weight',
  'ln_final.weight': 'text_model.final_layer_norm.weight',
  'ln_final.bias': 'text_model.final_layer_norm.bias',
};

const inLayer: Readonly<Record<string, string>> = {
  'ln_1.weight': 'layer_norm1.weight',
  'ln_1.bias': 'layer_norm1.bias',
  'ln_2.weight': 'layer_norm2.weight',
  'ln_2.bias': 'layer_norm2.bias',
  'mlp.c_fc.weight': 'mlp.fc1.weight',
  'mlp.c_fc.bias': 'mlp.fc1.bias',
  'mlp.c_proj.weight': 'mlp.fc2.weight',
  'mlp.c_proj.bias': 'mlp.fc2.bias',
  'attn.out_proj.weight': 'self_attn.out_proj.weight',
  'attn.out_proj.bias': 'self_attn.out_proj.bias',
};

const projections = ['q_proj', 'k_proj', 'v_proj'] as const;

export interface OpenClipOptions {
  /** Layers the model was trained with: Stable Diffusion 2 listens to the last but one of OpenCLIP-H. */
  readonly mostLayers?: number;
}

/**
 * A text encoder of OpenCLIP's layout under transformers' names: queries, keys and values are three row ranges of one matrix,
 * and the projection lies the other way round.
 * @param tensors without the prefix of the file
 * @returns what is not known keeps its name
 */
export function openClipTensors(tensors: NamedTensors, { mostLayers = Infinity }: OpenClipOptions = {}): Map<string, NamedTensor> {
  const result = new Map<string, NamedTensor>();
  for (const [name, tensor] of tensors) {
    if (isIgnored(name)) continue;
    const known = openClipOuter[name];
    if (known !== undefined) result.set(known, tensor);
    else if (name === 'text_projection') result.set('text_projection.weight', { ...tensor, transposed: true });
    // Projections saved from a linear layer lie as transformers has them.
    else if (name === 'text_projection.weight') result.set(name, tensor);
    else addLayer(result, name, tensor, mostLayers);
  }
  return result;
}

function addLayer(result: Map<string, NamedTensor>, name: string, tensor: NamedTensor, mostLayers: number): void {
  const [, index, rest = ''] = /^transformer\.resblocks\.(\d+)\.(.+)$/.exec(name) ?? [];
  if (index === undefined) {
    result.set(name, tensor);
    return;
  }
  if (Number(index) >= mostLayers) return;
  const layer = `text_model.encoder.layers.${index}`;
  const [, kind] = /^attn\.in_proj_(weight|bias)$/.exec(rest) ?? [];
  if (kind === undefined) {
    result.set(`${layer}.${inLayer[rest] ?? rest}`, tensor);
    return;
  }
  for (const [part, projection] of projections.entries()) result.set(`${layer}.self_attn.${projection}.${kind}`, rowsOf(tensor, part, 3));
}
