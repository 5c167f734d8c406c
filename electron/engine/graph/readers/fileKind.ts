import type { SafetensorsFile } from './safetensors.ts';

/** What a safetensors file is, by the names in it. */
export type FileKind =
  | 'checkpoint'
  | 'unet'
  | 'vae'
  | 'taesd'
  | 'text-encoder'
  | 'lora'
  | 'embedding'
  | 'controlnet'
  | 'adapter'
  | 'motion-module'
  | 'upscaler'
  | 'other-family'
  | 'unknown';

export interface RecognisedFile {
  readonly kind: FileKind;
  /** Of `other-family`: what people call it, "Flux". */
  readonly family: string | null;
}

/** Families that cannot be opened, by a name that only they have (diffusers `single_file_utils.py`, `CHECKPOINT_KEY_NAMES`). */
const otherFamilies: readonly (readonly [RegExp, string])[] = [
  [/joint_blocks\.\d+\./, 'Stable Diffusion 3'],
  [/single_stream_modulation\./, 'Flux 2'],
  [/distilled_guidance_layer\./, 'Chroma'],
  [/double_blocks\.\d+\.(img_attn|img_mod)/, 'Flux'],
  [/double_stream_blocks\./, 'HiDream'],
  [/double_layers\.\d+\.attn\.w1q/, 'AuraFlow'],
  [/clip_txt_mapper\.|down_blocks\.\d+\.\d+\.channelwise\./, 'Stable Cascade'],
  [/(^|\.)patchify_proj\./, 'LTX Video'],
  [/(^|\.)cap_embedder\.0\.weight/, 'Lumina'],
  [/(^|\.)head\.modulation$/, 'Wan'],
  [/(^|\.)txt_in\.(text_norm|individual_token_refiner)\./, 'Qwen Image or Hunyuan Video'],
  [/(^|\.)transformer_blocks\.0\.norm1_context\./, 'a diffusion transformer'],
  [/^net\.x_embedder\./, 'Cosmos'],
];

const loraName = /(\.lora_(down|up|A|B|mid)\b|\.(hada_w[12]|lokr_w[12]|oft_(blocks|diag)|on_input|diff(_b)?$|dora_scale)|^lora_(unet|te)|lora_linear_layer|\.lora\.(down|up)\.|\.processor\..*_lora\.)/;

/** Counts of names that begin alike, most first: what to say about a layout nobody knows. */
export function namePrefixes(file: SafetensorsFile): string {
  const counts = new Map<string, number>();
  for (const name of file.tensors.keys()) {
    const prefix = name.split('.').slice(0, 2).join('.').slice(0, 60);
    counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  const lines = sorted.slice(0, 12).map(([prefix, count]) => `${count} x ${JSON.stringify(prefix)}`);
  if (sorted.length > 12) lines.push(`${sorted.length - 12} further beginnings`);
  return lines.join('\n');
}

/** Sorts a file by the names of its tensors; nothing of their shapes is looked at. */
export function recogniseFile(file: SafetensorsFile): RecognisedFile {
  const names = [...file.tensors.keys()];
  const has = (pattern: RegExp): boolean => names.some((name) => pattern.test(name));
  const known = (kind: FileKind): RecognisedFile => ({ kind, family: null });
  if (has(loraName)) return known('lora');
  if (has(/^control_model\.|^controlnet_|^input_hint_block\.|^controlnet_cond_embedding\.|^controlnet_blocks\./)) return known('controlnet');
  if (has(/motion_modules\./)) return known('motion-module');
  if (has(/^(ip_adapter|image_proj|adapter)\.|^body\.\d+\.block1\./)) return known('adapter');
  if (has(/^model\.diffusion_model\.(input_blocks|middle_block|output_blocks)\./)) return known('checkpoint');
  const family = otherFamilies.find(([pattern]) => has(pattern));
  if (family !== undefined) return { kind: 'other-family', family: family[1] };
  if (has(/^(input_blocks|output_blocks)\.\d+\./) || has(/^(unet\.)?down_blocks\.\d+\.(resnets|attentions)\./)) return known('unet');
  if (has(/^(first_stage_model\.|vae\.)?decoder\.(up|up_blocks|mid|mid_block)\./)) return known('vae');
  if (has(/^(taesd_)?(decoder|encoder)\.(layers\.)?\d+\./) || has(/^\d+\.conv\.0\.weight$/)) return known('taesd');
  if (has(/^(emb_params|string_to_param|clip_[lg]$|<.*>$)/) || (names.length <= 2 && names.every((name) => !name.includes('.')) && names.length > 0)) {
    return known('embedding');
  }
  if (has(/text_model\.encoder\.layers\.|^transformer\.resblocks\./)) return known('text-encoder');
  if (has(/^(model\.)?(body\.\d+\.(rdb1|residual_group)|conv_first|conv_body|model\.1\.sub\.)/)) return known('upscaler');
  return known('unknown');
}
