import type { CheckpointModel } from '../readers/checkpointModel.ts';
import type { NamedTensor, NamedTensors } from '../readers/namedTensors.ts';
import { ldmLayerOf } from './ldmLayer.ts';

export type LoraPart = 'unet' | 'text_encoder' | 'text_encoder_2';

/** A layer of the model that a LoRA may change. */
export interface ModelLayer {
  readonly part: LoraPart;
  /** diffusers' or transformers' name, without `.weight`. */
  readonly name: string;
  readonly weight: NamedTensor;
}

/**
 * The layers of a model by every way LoRA files call them, with dots and underscores made the same: kohya joins names with underscores
 * (`lora_unet_down_blocks_0_...`, for SDXL the original UNet's `lora_unet_input_blocks_4_1_...`), diffusers and PEFT keep the dots.
 * Sources: diffusers `loaders/lora_conversion_utils.py`, kohya `networks/lora.py`.
 */
export function layersByKey(model: CheckpointModel): ReadonlyMap<string, ModelLayer> {
  const layers = new Map<string, ModelLayer>();
  const add = (part: LoraPart, tensors: NamedTensors, namesOf: (name: string) => readonly string[]): void => {
    for (const [tensor, weight] of tensors) {
      if (!tensor.endsWith('.weight') || weight.dims.length < 2) continue;
      const name = tensor.slice(0, -'.weight'.length);
      for (const key of namesOf(name)) layers.set(`${part}/${keyOf(key)}`, { part, name, weight });
    }
  };
  const { layersPerBlock, transformerLayers } = model.unet.config;
  add('unet', model.unet.tensors, (name) => [name, ...shortOut(name), ...ldmLayerOf(name, layersPerBlock, transformerLayers)]);
  for (const part of model.text) add(part.name, part.tensors, (name) => [name, ...oldAttention(name)].flatMap((key) => [key, key.replace(/^text_model\./, '')]));
  return layers;
}

/** Dots and underscores are the same to kohya. */
export function keyOf(name: string): string {
  return name.replaceAll('.', '_');
}

/** The old attention processors say `to_out` for the layer in its list, `to_out.0`. */
function shortOut(name: string): readonly string[] {
  return name.endsWith('.to_out.0') ? [name.slice(0, -'.0'.length)] : [];
}

/** In the text encoders the old attention processors say `to_q` for `q_proj`. */
function oldAttention(name: string): readonly string[] {
  const [, stem, kind] = /^(.*\.self_attn)\.(q|k|v|out)_proj$/.exec(name) ?? [];
  return stem === undefined ? [] : [`${stem}.to_${kind ?? ''}`];
}
