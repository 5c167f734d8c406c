import type { CheckpointFacts } from './checkpointFacts.ts';
import type { CheckpointFamily, CheckpointModel, TextPart } from './readers/checkpointModel.ts';

type Json = Readonly<Record<string, unknown>>;

/** What a folder of the user's own says, which is kept. */
export interface GivenConfigs {
  readonly index: Json | null;
  readonly scheduler: Json | null;
}

/** The JSON files of a standard model folder, by path within it. */
export function configFiles(model: CheckpointModel, facts: CheckpointFacts, given: GivenConfigs): ReadonlyMap<string, Json> {
  const vae = vaeConfig(model);
  return new Map<string, Json>([
    ['model_index.json', modelIndex(model, facts, given.index)],
    ['scheduler/scheduler_config.json', { ...(given.scheduler ?? usualScheduler(facts)), ...predictionKeys(facts, given.scheduler) }],
    ['unet/config.json', unetConfig(model, facts)],
    ...model.text.map((part): [string, Json] => [`${part.name}/config.json`, textConfig(part)]),
    ['vae_decoder/config.json', vae],
    ...(model.vae.halves.encoder ? ([['vae_encoder/config.json', vae]] as const) : []),
  ]);
}

function modelIndex({ family, text }: CheckpointModel, facts: CheckpointFacts, given: Json | null): Json {
  const base = family === 'sd1' || family === 'sd2' ? 'StableDiffusion' : 'StableDiffusionXL';
  const task = family === 'sdxl-refiner' ? 'Img2Img' : facts.tasks.length === 1 && facts.tasks[0] === 'inpaint' ? 'Inpaint' : '';
  const names = new Set<string>(text.map(({ name }) => name));
  const encoders = ['text_encoder', 'text_encoder_2'].map((name) => [name, names.has(name) ? ['transformers', 'CLIPTextModel'] : [null, null]] as const);
  if (base === 'StableDiffusion') return { _class_name: `StableDiffusion${task}Pipeline`, text_encoder: ['transformers', 'CLIPTextModel'] };
  return {
    _class_name: `StableDiffusionXL${task}Pipeline`,
    ...Object.fromEntries(encoders),
    force_zeros_for_empty_prompt: given?.['force_zeros_for_empty_prompt'] ?? family === 'sdxl',
    requires_aesthetics_score: given?.['requires_aesthetics_score'] ?? family === 'sdxl-refiner',
  };
}

const trained: Json = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear', num_train_timesteps: 1000, trained_betas: null };

/** scheduler_config.json of the families' own repositories (diffusers' `DIFFUSERS_DEFAULT_PIPELINE_PATHS`). */
const schedulers: Readonly<Record<CheckpointFamily, Json>> = {
  sd1: { _class_name: 'PNDMScheduler', ...trained, clip_sample: false, set_alpha_to_one: false, skip_prk_steps: true, steps_offset: 1 },
  sd2: { _class_name: 'DDIMScheduler', ...trained, clip_sample: false, set_alpha_to_one: false, skip_prk_steps: true, steps_offset: 1 },
  sdxl: xlScheduler(),
  'sdxl-refiner': xlScheduler(),
};

function xlScheduler(): Json {
  return {
    _class_name: 'EulerDiscreteScheduler',
    ...trained,
    clip_sample: false,
    interpolation_type: 'linear',
    sample_max_value: 1,
    set_alpha_to_one: false,
    skip_prk_steps: true,
    steps_offset: 1,
    timestep_spacing: 'leading',
    use_karras_sigmas: false,
  };
}

/** SimianLuo/LCM_Dreamshaper_v7. */
const lcmScheduler: Json = {
  _class_name: 'LCMScheduler',
  ...trained,
  clip_sample: false,
  original_inference_steps: 50,
  set_alpha_to_one: true,
  steps_offset: 0,
  timestep_scaling: 10,
  timestep_spacing: 'leading',
};

function usualScheduler({ family, hasGuidanceEmbedding }: CheckpointFacts): Json {
  return hasGuidanceEmbedding ? lcmScheduler : schedulers[family];
}

/** What the facts say beyond the scheduler file that is given, or else the usual one. */
function predictionKeys({ predictionType, zeroSnr }: CheckpointFacts, given: Json | null): Json {
  const keys = { prediction_type: predictionType.value };
  if (((given?.['rescale_betas_zero_snr'] ?? false) === true) === zeroSnr.value) return keys;
  // A level of pure noise is only drawn from where the schedule begins with it.
  return { ...keys, rescale_betas_zero_snr: zeroSnr.value, ...(zeroSnr.value ? { timestep_spacing: 'trailing' } : {}) };
}

function unetConfig({ unet: { config }, vae }: CheckpointModel, { defaultSize }: CheckpointFacts): Json {
  const shrink = 2 ** (vae.config.blockOutChannels.length - 1);
  return {
    _class_name: 'UNet2DConditionModel',
    in_channels: config.inChannels,
    out_channels: config.outChannels,
    block_out_channels: config.blockOutChannels,
    layers_per_block: config.layersPerBlock,
    attention_head_dim: config.heads,
    cross_attention_dim: config.crossAttentionDim,
    time_cond_proj_dim: config.timeCondProjDim,
    sample_size: Math.max(1, Math.round(Math.max(defaultSize.value.width, defaultSize.value.height) / shrink)),
  };
}

function textConfig({ config, sizes }: TextPart): Json {
  return {
    architectures: [config.projection ? 'CLIPTextModelWithProjection' : 'CLIPTextModel'],
    hidden_act: config.activation,
    hidden_size: config.hiddenSize,
    intermediate_size: sizes.intermediate,
    max_position_embeddings: sizes.positions,
    num_attention_heads: config.heads,
    num_hidden_layers: config.layers,
    projection_dim: sizes.projection,
    vocab_size: sizes.vocabulary,
    eos_token_id: config.eosTokenId,
  };
}

function vaeConfig({ vae }: CheckpointModel): Json {
  return {
    _class_name: 'AutoencoderKL',
    latent_channels: vae.config.latentChannels,
    block_out_channels: vae.config.blockOutChannels,
    layers_per_block: vae.config.layersPerBlock,
    scaling_factor: vae.scalingFactor,
    ...(vae.latentsMean === null || vae.latentsStd === null ? {} : { latents_mean: vae.latentsMean, latents_std: vae.latentsStd }),
  };
}
