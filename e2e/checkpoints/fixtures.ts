import { readFileSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { type TensorToWrite, writeSafetensors } from './writeSafetensors.ts';

export const checkpointVariants = ['sd1', 'sd1-inpaint', 'sd2', 'sdxl', 'sdxl-refiner'] as const;
export type CheckpointVariant = (typeof checkpointVariants)[number];

type Entry = readonly [name: string, type: string, shape: readonly number[]];

interface Manifest {
  readonly single: readonly Entry[];
  /** By path of the file. */
  readonly folder: Readonly<Record<string, readonly Entry[]>>;
  readonly configs: Readonly<Record<string, unknown>>;
  /** Padding of each tokenizer. */
  readonly pads: Readonly<Record<string, string>>;
}

interface GoldenArray {
  readonly dims: readonly number[];
  readonly base64: string;
}

/** What diffusers drew. */
export interface Golden {
  /** After the last step. */
  readonly latents: Float32Array;
  /** RGB, [height, width, 3]. */
  readonly picture: Uint8Array;
}

const folder = fileURLToPath(new URL('fixtures/', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));

/** CLIP's list of merges. */
export const clipMerges = path.join(root, 'assets/tokenizers/clip/bpe_simple_vocab_16e6.txt.gz');
/** Vocabulary of the small models. */
const vocabulary = path.join(root, 'assets/starter/tokenizer');

const manifests = JSON.parse(gunzipSync(readFileSync(path.join(folder, 'manifests.json.gz'))).toString()) as Record<CheckpointVariant, Manifest>;
const { goldens } = JSON.parse(readFileSync(path.join(folder, 'goldens.json'), 'utf8')) as {
  goldens: Record<CheckpointVariant, Record<'single' | 'folder', { latents: GoldenArray; picture: GoldenArray }>>;
};

export function goldenOf(variant: CheckpointVariant, layout: 'single' | 'folder'): Golden {
  const { latents, picture } = goldens[variant][layout];
  const values = Uint8Array.from(Buffer.from(latents.base64, 'base64'));
  return { latents: new Float32Array(values.buffer), picture: Uint8Array.from(Buffer.from(picture.base64, 'base64')) };
}

const toWrite = ([name, type, shape]: Entry): TensorToWrite => ({ name, type, shape });

/** The tensors of a single-file checkpoint. */
export function singleTensors(variant: CheckpointVariant): TensorToWrite[] {
  return manifests[variant].single.map(toWrite);
}

/** Writes the single file of a variant. @returns its path */
export async function writeSingle(variant: CheckpointVariant, place: string, change: (tensors: TensorToWrite[]) => TensorToWrite[] = (tensors) => tensors): Promise<string> {
  const file = path.join(place, `${variant}.safetensors`);
  await writeSafetensors(file, change(singleTensors(variant)));
  return file;
}

/** Writes the diffusers folder of a variant, its tokenizers too. @returns its path */
export async function writeFolder(variant: CheckpointVariant, place: string, write: (file: string, tensors: TensorToWrite[]) => Promise<unknown> = writeSafetensors): Promise<string> {
  const { folder: files, configs } = manifests[variant];
  const target = path.join(place, variant);
  for (const [name, value] of Object.entries(configs)) {
    await mkdir(path.dirname(path.join(target, name)), { recursive: true });
    await writeFile(path.join(target, name), JSON.stringify(value));
  }
  for (const [name, entries] of Object.entries(files)) await write(path.join(target, name), entries.map(toWrite));
  await writeTokenizers(variant, target);
  return target;
}

/** Writes the tokenizer folders of a variant. @returns their paths by name */
export async function writeTokenizers(variant: CheckpointVariant, target: string): Promise<Record<string, string>> {
  const written: Record<string, string> = {};
  for (const [name, padding] of Object.entries(manifests[variant].pads)) {
    const place = path.join(target, name);
    await mkdir(place, { recursive: true });
    for (const file of ['vocab.json', 'merges.txt']) await copyFile(path.join(vocabulary, file), path.join(place, file));
    const special = { bos_token: '<|startoftext|>', eos_token: '<|endoftext|>', unk_token: '<|endoftext|>', pad_token: padding };
    await writeFile(path.join(place, 'special_tokens_map.json'), JSON.stringify(special));
    await writeFile(path.join(place, 'tokenizer_config.json'), JSON.stringify({ ...special, model_max_length: 77 }));
    written[name] = place;
  }
  return written;
}
