import type { EngineMessage } from '../../../shared/engineProtocol.ts';
import type { Failure } from '../../../shared/errors.ts';
import { type FileKind, recogniseFile } from './readers/fileKind.ts';
import { readSafetensors, type SafetensorsFile } from './readers/safetensors.ts';

type ReadAdapter = Extract<EngineMessage, { kind: 'adapter-read' }>['adapter'];
type Family = ReadAdapter['family'];

const mostTriggers = 12;

/**
 * What the header of a LoRA or an embedding says; no weights are read.
 * @param file absolute
 * @throws StopbathError as {@link readSafetensors}; what is another kind of file has a `problem` instead.
 */
export async function readAdapter(file: string): Promise<ReadAdapter> {
  const opened = await readSafetensors(file);
  const { kind, family: other } = recogniseFile(opened);
  if (kind !== 'lora' && kind !== 'embedding') {
    return { kind: 'lora', family: null, rank: null, triggers: [], problem: notOne(opened.name, other ?? kind) };
  }
  const told = toldFamily(opened);
  const family = told ?? (kind === 'lora' ? familyOfLora(opened) : familyOfEmbedding(opened));
  return {
    kind,
    rank: kind === 'lora' ? rankOf(opened) : null,
    triggers: triggersOf(opened),
    ...(family === 'other' ? { family: null, problem: otherFamily(opened) } : { family, problem: null }),
  };
}

/** kohya's `ss_base_model_version` and the modelspec of Stability AI; `other`: a family that is not run here. */
function toldFamily({ metadata }: SafetensorsFile): Family | 'other' {
  const told = (metadata.get('modelspec.architecture') ?? metadata.get('ss_base_model_version') ?? '').toLowerCase();
  if (told === '') return null;
  if (/^(stable-diffusion-xl|sdxl)/.test(told)) return 'sdxl';
  if (/^(stable-diffusion-v[12]|sd_?v?[12])/.test(told)) return 'sd';
  return /^(flux|stable-diffusion-3|sd3|lumina|hunyuan|wan|qwen|chroma|auraflow|pixart|stable-cascade)/.test(told) ? 'other' : null;
}

/** Cross attention reads the text encoders: 768 (SD 1) or 1024 (SD 2) numbers a token, 2048 for SDXL. */
function familyOfLora({ tensors }: SafetensorsFile): Family | 'other' {
  const names = [...tensors.keys()];
  if (names.some((name) => /^lora_te[12]_|text_encoder_2\./.test(name))) return 'sdxl';
  if (names.some((name) => /(double_blocks|single_blocks|joint_blocks|(^|_|\.)transformer[._])/.test(name) && !/transformer_blocks/.test(name))) return 'other';
  for (const [name, { shape }] of tensors) {
    if (!/attn2[._](to_k|processor\.to_k)/.test(name) || !/(lora_down|lora_A|lora\.down)/.test(name)) continue;
    const width = shape[1] ?? 0;
    return width === 2048 ? 'sdxl' : width === 768 || width === 1024 ? 'sd' : null;
  }
  return null;
}

function familyOfEmbedding({ tensors }: SafetensorsFile): Family {
  if (tensors.has('clip_g')) return 'sdxl';
  const [first] = tensors.values();
  const width = first?.shape.at(-1);
  return width === 768 || width === 1024 ? 'sd' : null;
}

function rankOf({ tensors }: SafetensorsFile): number | null {
  for (const [name, { shape }] of tensors) {
    // [rank, in] or, of a convolution, [rank, in, height, width]; hada_w1_b has the rank first, too.
    if (/\.(lora_down|lora_A|lora\.down|hada_w1_b)(\.|$)/.test(name) && shape.length >= 2) return shape[0] ?? null;
  }
  return null;
}

/** `modelspec.trigger_phrase`, else the words of the captions it was trained on, the most frequent first. */
function triggersOf({ metadata }: SafetensorsFile): string[] {
  const phrase = metadata.get('modelspec.trigger_phrase')?.trim() ?? '';
  if (phrase !== '') return [phrase.slice(0, 200)];
  const counts = new Map<string, number>();
  for (const folder of objectsIn(parsed(metadata.get('ss_tag_frequency')))) {
    for (const [tag, count] of Object.entries(folder)) {
      if (typeof count === 'number') counts.set(tag.trim(), (counts.get(tag.trim()) ?? 0) + count);
    }
  }
  return [...counts]
    .filter(([tag]) => tag !== '' && tag.length <= 100)
    .sort(([, a], [, b]) => b - a)
    .slice(0, mostTriggers)
    .map(([tag]) => tag);
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return null;
  }
}

function objectsIn(value: unknown): readonly object[] {
  return typeof value === 'object' && value !== null ? Object.values(value).filter((one): one is object => typeof one === 'object' && one !== null) : [];
}

const kindNames: Readonly<Partial<Record<FileKind, string>>> = {
  checkpoint: 'a whole model',
  unet: 'a UNet',
  vae: 'a VAE',
  taesd: 'a small decoder for previews',
  'text-encoder': 'a text encoder',
  controlnet: 'a ControlNet',
  'motion-module': 'a motion module',
  upscaler: 'an upscaler',
};

function notOne(name: string, what: string): Failure {
  const known = (kindNames as Readonly<Record<string, string>>)[what];
  return {
    code: 'MODEL_UNSUPPORTED',
    message: `${name} is ${known ?? 'a file of another kind'}, and neither a LoRA nor an embedding.`,
    nextStep: what === 'checkpoint' ? 'Add it under Models.' : 'Keep LoRAs and embeddings in folders of their own.',
  };
}

function otherFamily({ name, metadata }: SafetensorsFile): Failure {
  const told = metadata.get('modelspec.architecture') ?? metadata.get('ss_base_model_version');
  return {
    code: 'MODEL_UNSUPPORTED',
    message: `${name} is for models of another family${told === undefined ? '' : ` (${told.slice(0, 60)})`}.`,
    nextStep: 'Look for a LoRA for Stable Diffusion 1.x, 2.x or XL.',
  };
}
