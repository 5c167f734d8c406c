import { assertNever } from '../../../../shared/errors.ts';
import { assemble, type CheckpointModel, type RawText } from './checkpointModel.ts';
import { namePrefixes, type RecognisedFile, recogniseFile } from './fileKind.ts';
import { emaUnet, unetFromLdm } from './ldmUnet.ts';
import { vaeTensors } from './ldmVae.ts';
import { hasUnder, type NamedTensors, tensorsOf, under } from './namedTensors.ts';
import { broken, unsupported } from './refusal.ts';
import type { SafetensorsFile } from './safetensors.ts';
import { clipTensors, openClipTensors } from './textNames.ts';

export interface SingleFileOptions {
  /** A VAE of its own in place of the one in the checkpoint. */
  readonly vae?: SafetensorsFile | null;
  /** The averaged UNet of a training checkpoint in place of its last one. */
  readonly useEma?: boolean;
}

export interface SingleFileModel {
  readonly model: CheckpointModel;
  readonly hasEma: boolean;
}

const prefixes = {
  unet: 'model.diffusion_model.',
  clip: 'cond_stage_model.transformer.',
  openClip: 'cond_stage_model.model.',
  xlClip: 'conditioner.embedders.0.transformer.',
  xlOpenClip: 'conditioner.embedders.1.model.',
  refinerOpenClip: 'conditioner.embedders.0.model.',
} as const;

/** diffusers' `LDM_VAE_KEYS`. */
const vaePrefixes = ['first_stage_model.', 'vae.'] as const;

/**
 * The model in a single file of the original (LDM) layout, as A1111 and ComfyUI use it.
 * Rules: diffusers 0.42 `loaders/single_file_utils.py`.
 * @throws StopbathError `MODEL_UNSUPPORTED` saying what the file is instead, `MODEL_BAD` for a broken or mixed one.
 */
export function readSingleFile(file: SafetensorsFile, { vae = null, useEma = false }: SingleFileOptions = {}): SingleFileModel {
  requireCheckpoint(file);
  const whole = tensorsOf(file);
  const last = under(whole, prefixes.unet);
  const ema = emaUnet(whole, last);
  if (useEma && ema === null) {
    throw unsupported(`${file.name} holds no averaged (EMA) weights.`, 'Open it without asking for them.');
  }
  const unet = unetFromLdm(useEma && ema !== null ? ema : last);
  const model = assemble({
    unet: { tensors: unet, hints: {} },
    text: textOf(whole, file),
    vae: { tensors: vae === null ? bakedVae(whole, file) : separateVae(vae) },
  });
  return { model, hasEma: ema !== null };
}

/** @throws StopbathError `MODEL_UNSUPPORTED` for anything but a checkpoint of a family that can be run. */
function requireCheckpoint(file: SafetensorsFile): void {
  if (file.tensors.size === 0) throw broken(`${file.name} holds no tensors.`);
  const recognised = recogniseFile(file);
  if (recognised.kind !== 'checkpoint') throw notACheckpoint(file, recognised);
  for (const [marker, what] of markers) {
    if (file.tensors.has(marker)) throw unsupported(`${file.name} is ${what}, whose way of sampling (EDM) is not built here.`, 'Open another model.');
  }
}

const markers: readonly (readonly [string, string])[] = [
  ['edm_mean', 'a Playground 2.5 model'],
  ['edm_vpred.sigma_max', 'a CosXL model'],
];

function notACheckpoint(file: SafetensorsFile, { kind, family }: RecognisedFile) {
  const say = (what: string, next: string) => unsupported(`${file.name} is ${what}, not a whole model.`, next, namePrefixes(file));
  switch (kind) {
    case 'lora':
      return say('a LoRA', 'Choose the model it was made for, and add the LoRA to it.');
    case 'vae':
      return say('a VAE', 'Choose a model, and this file as its VAE.');
    case 'taesd':
      return say('a small VAE for previews (TAESD)', 'Choose a model.');
    case 'embedding':
      return say('a textual inversion embedding', 'Choose the model it was made for, and name the embedding in the prompt.');
    case 'text-encoder':
      return say('a text encoder', 'Choose a checkpoint that holds UNet, text encoder and VAE.');
    case 'unet':
      return say('a UNet alone', 'Choose a checkpoint that holds UNet, text encoder and VAE, or the diffusers folder it lies in.');
    case 'controlnet':
      return say('a ControlNet', 'ControlNets cannot be used yet. Choose a model.');
    case 'adapter':
      return say('an adapter (IP-Adapter or T2I-Adapter)', 'Adapters cannot be used yet. Choose a model.');
    case 'motion-module':
      return say('a motion module (AnimateDiff)', 'Videos cannot be made. Choose a model.');
    case 'upscaler':
      return say('an upscaler', 'Choose a model.');
    case 'other-family':
      return unsupported(
        `${file.name} is a model of another family: ${family ?? 'unknown'}.`,
        'Stable Diffusion 1.x, 2.x and XL can be opened.',
        namePrefixes(file),
      );
    case 'unknown':
    case 'checkpoint':
      return unsupported(
        `${file.name} has a layout nobody here knows: ${file.tensors.size} tensors, none named as those of Stable Diffusion.`,
        'Stable Diffusion 1.x, 2.x and XL checkpoints can be opened. What was found is in the details.',
        namePrefixes(file),
      );
    default:
      return assertNever(kind);
  }
}

function textOf(whole: NamedTensors, file: SafetensorsFile): readonly RawText[] {
  const has = (prefix: string): boolean => hasUnder(whole, prefix);
  const xl = [prefixes.xlClip, prefixes.xlOpenClip, prefixes.refinerOpenClip].some(has);
  if (xl && (has(prefixes.clip) || has(prefixes.openClip))) {
    throw broken(`${file.name} holds text encoders of SDXL and of Stable Diffusion 1 or 2: parts of different models are mixed.`);
  }
  if (has(prefixes.clip) && has(prefixes.openClip)) {
    throw broken(`${file.name} holds text encoders of Stable Diffusion 1 and of Stable Diffusion 2: parts of different models are mixed.`);
  }
  if (has(prefixes.clip)) return [clip(whole, prefixes.clip)];
  if (has(prefixes.openClip)) {
    // Stable Diffusion 2 listens to the last layer but one; what goes by its 24th is not computed (diffusers' SD_2_TEXT_ENCODER_KEYS_TO_IGNORE).
    const tensors = openClipTensors(under(whole, prefixes.openClip), { mostLayers: 23 });
    tensors.delete('text_projection.weight');
    return [{ name: 'text_encoder', tensors, hints: { activation: 'gelu', projects: false } }];
  }
  if (has(prefixes.refinerOpenClip)) return [openClip(whole, prefixes.refinerOpenClip)];
  if (has(prefixes.xlClip) && has(prefixes.xlOpenClip)) return [clip(whole, prefixes.xlClip), openClip(whole, prefixes.xlOpenClip)];
  if (xl) throw broken(`${file.name} holds only one of SDXL's two text encoders.`);
  throw unsupported(
    `${file.name} holds no text encoder: it is a UNet${vaePrefixes.some(has) ? ' and a VAE' : ''}.`,
    'Open a checkpoint that holds UNet, text encoder and VAE.',
    namePrefixes(file),
  );
}

function clip(whole: NamedTensors, prefix: string): RawText {
  const tensors = clipTensors(under(whole, prefix));
  // Some trainers save it with CLIP-L, where no model listens to it.
  tensors.delete('text_projection.weight');
  return { name: 'text_encoder', tensors, hints: { activation: 'quick_gelu', projects: false } };
}

function openClip(whole: NamedTensors, prefix: string): RawText {
  return { name: 'text_encoder_2', tensors: openClipTensors(under(whole, prefix)), hints: { activation: 'gelu', projects: true } };
}

function bakedVae(whole: NamedTensors, file: SafetensorsFile): NamedTensors {
  const prefix = vaePrefixes.find((one) => hasUnder(whole, one));
  if (prefix !== undefined) return vaeTensors(under(whole, prefix));
  throw unsupported(`${file.name} holds no VAE.`, 'Choose a VAE file beside it: one of the same family.', namePrefixes(file));
}

/**
 * The VAE in a file of its own, of the original or diffusers' layout, with or without a prefix; or that of a whole checkpoint.
 * @throws StopbathError `MODEL_UNSUPPORTED` for a file without one.
 */
export function separateVae(file: SafetensorsFile): NamedTensors {
  const whole = tensorsOf(file);
  const prefix = vaePrefixes.find((one) => hasUnder(whole, one));
  if (prefix !== undefined) return vaeTensors(under(whole, prefix));
  if (recogniseFile(file).kind === 'vae') return vaeTensors(whole);
  throw unsupported(`${file.name} holds no VAE.`, 'Choose a VAE of the same family as the model.', namePrefixes(file));
}
