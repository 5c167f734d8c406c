import { z } from 'zod';
import type { RawVae } from './checkpointModel.ts';
import type { TextHints, UnetHints } from './infer.ts';
import { unsupported } from './refusal.ts';

/** Values that config.json may have beside the ones a graph is built for: absent, or null. */
const only = <Value extends string | number | boolean>(...values: Value[]) =>
  z.custom<Value | null | undefined>((value) => value === undefined || value === null || values.some((one) => one === value), {
    error: `only ${values.join(' or ')} is built`,
  }).optional();
const none = z.custom<null | undefined | false>((value) => value === undefined || value === null || value === false, { error: 'is not built' }).optional();
const counts = z.union([z.int().min(1), z.array(z.int().min(1)).min(1).max(8)]);

/** What changes the mathematics of diffusers' `UNet2DConditionModel` and no tensor shows. */
const unetSchema = z.object({
  attention_head_dim: counts.nullish(),
  num_attention_heads: counts.nullish(),
  norm_num_groups: z.int().min(1).nullish(),
  addition_time_embed_dim: z.int().min(2).nullish(),
  act_fn: only('silu', 'swish'),
  norm_eps: only(1e-5),
  flip_sin_to_cos: only(true),
  freq_shift: only(0),
  center_input_sample: none,
  only_cross_attention: none,
  dual_cross_attention: none,
  resnet_time_scale_shift: only('default'),
  time_embedding_type: only('positional'),
  timestep_post_act: none,
  time_embedding_act_fn: none,
  class_embed_type: none,
  num_class_embeds: none,
  encoder_hid_dim: none,
  encoder_hid_dim_type: none,
  addition_embed_type: only('text_time'),
  attention_type: only('default'),
  mid_block_type: only('UNetMidBlock2DCrossAttn'),
  mid_block_scale_factor: only(1),
  downsample_padding: only(1),
  conv_in_kernel: only(3),
  conv_out_kernel: only(3),
  reverse_transformer_layers_per_block: none,
  resnet_skip_time_act: none,
  resnet_out_scale_factor: only(1),
});

/** @param file the parsed unet/config.json @throws StopbathError `MODEL_UNSUPPORTED` naming the key whose value is not built. */
export function readUnetConfig(file: unknown): UnetHints {
  const config = parsed('unet/config.json', unetSchema, file);
  const heads = config.num_attention_heads ?? config.attention_head_dim;
  return {
    // What diffusers' class itself has where the file is silent.
    heads: heads ?? 8,
    ...(typeof config.norm_num_groups === 'number' ? { normGroups: config.norm_num_groups } : {}),
    ...(typeof config.addition_time_embed_dim === 'number' ? { timeIdWidth: config.addition_time_embed_dim } : {}),
  };
}

const vaeSchema = z.object({
  norm_num_groups: z.int().min(1).nullish(),
  scaling_factor: z.number().positive().nullish(),
  shift_factor: only(0),
  latents_mean: z.array(z.number()).max(64).nullish(),
  latents_std: z.array(z.number()).max(64).nullish(),
  act_fn: only('silu', 'swish'),
  mid_block_add_attention: only(true),
});

/** @param file the parsed vae/config.json @throws StopbathError `MODEL_UNSUPPORTED` */
export function readVaeConfig(file: unknown): Omit<RawVae, 'tensors'> {
  const config = parsed('vae/config.json', vaeSchema, file);
  return {
    ...(typeof config.norm_num_groups === 'number' ? { normGroups: config.norm_num_groups } : {}),
    // diffusers' own, where the file is silent.
    scalingFactor: config.scaling_factor ?? 0.18215,
    latentsMean: config.latents_mean ?? null,
    latentsStd: config.latents_std ?? null,
  };
}

const textSchema = z.object({
  hidden_act: z.enum(['quick_gelu', 'gelu']).nullish(),
  num_attention_heads: z.int().min(1).nullish(),
  layer_norm_eps: only(1e-5),
  eos_token_id: z.int().min(0).nullish(),
});

/** @param part `text_encoder` or `text_encoder_2` @param file its parsed config.json @throws StopbathError `MODEL_UNSUPPORTED` */
export function readTextConfig(part: string, file: unknown): TextHints {
  const config = parsed(`${part}/config.json`, textSchema, file);
  return {
    activation: config.hidden_act ?? 'quick_gelu',
    projects: part === 'text_encoder_2',
    ...(typeof config.num_attention_heads === 'number' ? { heads: config.num_attention_heads } : {}),
    ...(typeof config.eos_token_id === 'number' ? { eosTokenId: config.eos_token_id } : {}),
  };
}

function parsed<Schema extends z.ZodType>(name: string, schema: Schema, file: unknown): z.output<Schema> {
  const result = schema.safeParse(file);
  if (result.success) return result.data;
  throw unsupported(`${name} describes a model this version cannot run.`, 'Open another model.', z.prettifyError(result.error));
}
