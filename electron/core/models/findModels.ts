import { readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { Model, Offer } from '../../../shared/models.ts';
import { isOnnx, isPickle, isSafetensors, pickleReason } from './fileNames.ts';
import { peekSafetensors, type WeightsKind } from './peekSafetensors.ts';

/** A model that was found at a path. */
export interface FoundModel {
  readonly origin: Exclude<Model['origin'], 'built-in'>;
  /** From where was looked, with `/`; empty: the place itself. */
  readonly at: string;
}

export interface FoundModels {
  readonly models: readonly FoundModel[];
  readonly refused: Offer['refused'];
}

/** Olive and the hub's cache put a model four folders deep; A1111's folders of checkpoints are about as deep. */
const deepest = 4;
const mostEntries = 5000;
const mostModels = 500;

/** Looks through a folder: for a model it is, for models and checkpoints in it. Bounded, whatever the folder. */
export async function findModels(folder: string): Promise<FoundModels> {
  const models: FoundModel[] = [];
  const refused: Offer['refused'] = [];
  let seen = 0;
  const visited = new Set<string>();

  const takeFile = async (at: string): Promise<void> => {
    if (isPickle(at)) refused.push({ path: at, reason: pickleReason });
    if (!isSafetensors(at)) return;
    const kind = await peekSafetensors(join(folder, at)).catch(() => 'damaged' as const);
    if (kind === 'model') models.push({ origin: 'checkpoint', at });
    else if (kind !== 'part') refused.push({ path: at, reason: weightsReasons[kind] });
  };

  const walk = async (at: string, depth: number): Promise<void> => {
    // Links may lead in a circle.
    const real = await realpath(join(folder, at)).catch(() => null);
    if (real === null || visited.has(real)) return;
    visited.add(real);
    const own = await modelsOf(join(folder, at));
    models.push(...own.map((origin) => ({ origin, at })));
    const { files, folders } = await namesIn(join(folder, at));
    for (const name of files) {
      if (++seen > mostEntries || models.length >= mostModels) return;
      await takeFile(below(at, name));
    }
    // What lies below a model are its parts.
    if (own.length > 0 || depth === deepest) return;
    for (const name of folders) {
      if (++seen > mostEntries || models.length >= mostModels) return;
      await walk(below(at, name), depth + 1);
    }
  };
  await walk('', 0);
  return { models, refused };
}

/** Why a file of weights is no model by itself. */
export const weightsReasons: Readonly<Record<Exclude<WeightsKind, 'model'>, string>> = {
  lora: 'A LoRA: it changes a model, and is none.',
  embedding: 'An embedding: a word for a prompt, and no model.',
  vae: 'A VAE alone, without the rest of a model.',
  controlnet: 'A ControlNet, which cannot be used yet.',
  part: 'One part of a model: the folder above it is the model.',
  damaged: 'The file is cut off or damaged.',
};

/** What a folder itself is, best first. */
async function modelsOf(folder: string): Promise<FoundModel['origin'][]> {
  const unet = await namesIn(join(folder, 'unet'));
  const own = await namesIn(folder);
  const flat = own.files.some((name) => /^unet([._]fp16)?\.onnx$/i.test(name));
  return [
    ...(flat || unet.files.some(isOnnx) ? (['onnx'] as const) : []),
    ...(unet.files.some(isSafetensors) ? (['diffusers'] as const) : []),
  ];
}

/** Names in order; links count as what they lead to. Empty where the folder cannot be read. */
async function namesIn(folder: string): Promise<{ files: string[]; folders: string[] }> {
  const files: string[] = [];
  const folders: string[] = [];
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries.slice(0, mostEntries)) {
    if (entry.name.startsWith('.')) continue;
    const real = entry.isSymbolicLink() ? await stat(join(folder, entry.name)).catch(() => null) : entry;
    if (real?.isDirectory() === true) folders.push(entry.name);
    if (real?.isFile() === true) files.push(entry.name);
  }
  return { files: files.sort(), folders: folders.sort() };
}

function below(at: string, name: string): string {
  return join(at, name).split(sep).join('/');
}
