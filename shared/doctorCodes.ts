/**
 * What the model doctor can find. The interface has a sentence for each in its own language; a finding's `message` is the English
 * one with the names and numbers of the case.
 */
export const doctorCodes = [
  // All is well, or worth knowing.
  'MODEL_FINE',
  'PART_FINE',
  'PREVIEW_FITTED',
  'PREVIEW_KNOWN',
  'TINY_DECODER',
  // Silent files, and what is taken instead.
  'FOLDER_INSIDE',
  'FILE_NAME',
  'CLASS_ASSUMED',
  'SCHEDULER_ASSUMED',
  'SCALING_ASSUMED',
  'UNET_CONFIG_ASSUMED',
  'TOKENIZER_ASSUMED',
  // What the model cannot do, or does in its own way.
  'OLD_EXPORT',
  'HALF_PRECISION',
  'TIMESTEP_WHOLE',
  'TIMESTEP_HALF',
  'TOKENS_FIXED',
  'SIZE_FIXED',
  'BATCH_FIXED',
  'GUIDANCE_EMBEDDED',
  'CLIP_SKIP_MISSING',
  'VAE_ENCODER_MISSING',
  'VAE_ENCODER_SAMPLES',
  'VAE_HALF_RISK',
  'SAFETY_CHECKER_UNUSED',
  'TINY_DECODER_BAD',
  // What keeps it from running.
  'FOLDER_MISSING',
  'CLASS_UNKNOWN',
  'FAMILY_MIXED',
  'PART_MISSING',
  'FILE_EMPTY',
  'FILE_DAMAGED',
  'DATA_MISSING',
  'DATA_SHORT',
  'UNSAFE_PATH',
  'CONFIG_DAMAGED',
  'CONFIG_VALUE',
  'TOKENIZER_BAD',
  'TOKENIZER_FOREIGN',
  'INPUT_MISSING',
  'INPUT_UNKNOWN',
  'OUTPUT_SIZE',
  'CHANNELS',
  'TEXT_WIDTH',
  'NOT_FINITE',
  'VAE_OVERFLOW',
  'UNSUPPORTED',
  'LOAD_FAILED',
  'OUT_OF_MEMORY',
  'DEVICE_FAILED',
] as const;

export type DoctorCode = (typeof doctorCodes)[number];
