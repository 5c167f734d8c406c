import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import type { AdapterRef } from '../../../shared/engineProtocol.ts';
import type { GenerationRequest, GenerationRequestInput } from '../../../shared/generation.ts';
import { promptsOf, readLoraTags, takesLoraTags } from '../../../shared/loraTags.ts';
import { nearestNames } from '../../../shared/nearestNames.ts';
import type { Given } from './options.ts';
import { refuse } from './values.ts';

/** A LoRA of `--lora`. */
export interface GivenLora {
  readonly name: string;
  readonly strength: number;
  /** null: it is looked for in `--lora-dir`. */
  readonly file: string | null;
}

const ending = '.safetensors';

/** The LoRAs of `--lora NAME_OR_PATH[:STRENGTH]`, in their order. @throws ArgumentError */
export async function readLoras(given: Given): Promise<GivenLora[]> {
  const loras = await Promise.all((given.lora ?? []).map(readLora));
  const twice = loras.find(({ name }, index) => loras.findIndex((other) => other.name === name) < index);
  if (twice !== undefined) refuse('lora', `"${twice.name}" is given twice.`);
  return loras;
}

async function readLora(text: string): Promise<GivenLora> {
  // The last colon: drive letters have one, too.
  const [, head = '', tail = ''] = /^(.*):([^:/\\]*)$/s.exec(text) ?? [];
  const hasStrength = head !== '' && /^[+-]?(\d+\.?\d*|\.\d+)$/.test(tail);
  const called = hasStrength ? head : text;
  const strength = hasStrength ? Number(tail) : 1;
  if (called === '') refuse('lora', 'the name is empty.');
  const isPath = extname(called).toLowerCase() === ending || /[/\\]/.test(called);
  if (!isPath) return { name: called, strength, file: null };
  const file = resolve(called);
  if ((await stat(file).catch(() => null))?.isFile() !== true) refuse('lora', `there is no file ${file}.`);
  return { name: basename(file).replace(/\.safetensors$/i, ''), strength, file };
}

/** As the request's list has them. */
export function lorasAsked(loras: readonly GivenLora[]): NonNullable<GenerationRequestInput['loras']> {
  return loras.map(({ name, strength }) => ({ name, strength }));
}

/**
 * The file of every LoRA that the request names: in its list, by a tag, in what is steered.
 * @throws ArgumentError for a name without a file
 */
export async function lorasUsed(request: GenerationRequest, listed: readonly GivenLora[], given: Given): Promise<AdapterRef[]> {
  const tagged = takesLoraTags(request) ? promptsOf(request).flatMap(({ field, text }) => readLoraTags(text, field).tags.map(({ name }) => name)) : [];
  const steered = request.steering.flatMap(({ steering }) => steering.loras ?? []).map(({ name }) => name);
  const names = [...new Set([...listed.map(({ name }) => name), ...tagged, ...steered])];
  if (names.length === 0) return [];
  const folder = await readFolder(given['lora-dir'], 'lora-dir');
  return names.map((name) => {
    const file = listed.find((lora) => lora.name === name)?.file ?? folder.get(name);
    if (file !== undefined) return { name, file };
    if (given['lora-dir'] === undefined) return refuse('lora', `there is no file for "${name}": give its path, or its folder with --lora-dir.`);
    const near = nearestNames(name, new Set(folder.keys()));
    return refuse('lora', `there is no "${name}" in ${given['lora-dir']}.${near.length === 0 ? '' : ` There is ${near.join(', ')}.`}`);
  });
}

/**
 * The embeddings of `--embedding-dir` whose names stand in a prompt.
 * @throws ArgumentError for one that is called in ComfyUI's words and has no file
 */
export async function embeddingsUsed(request: GenerationRequest, given: Given): Promise<AdapterRef[]> {
  const { promptSyntax } = request;
  if (promptSyntax === 'plain') return [];
  const files = await readFolder(given['embedding-dir'], 'embedding-dir');
  const texts = promptsOf(request).map(({ text }) => text.toLowerCase());
  const names = new Map([...files.keys()].map((name) => [name.toLowerCase(), name]));
  if (promptSyntax === 'comfy') {
    const called = texts.flatMap((text) => [...text.matchAll(/embedding:([^\s,()[\]{}<>:|]+)/g)].map(([, name = '']) => name.replace(/\.(safetensors|pt|bin)$/, '')));
    const missing = called.find((name) => !names.has(name));
    if (missing !== undefined) refuse('embedding-dir', given['embedding-dir'] === undefined ? `is needed for "embedding:${missing}".` : `there is no "${missing}" in ${given['embedding-dir']}.`);
  }
  return [...names].flatMap(([word, name]) => {
    const file = files.get(name);
    return file !== undefined && texts.some((text) => text.includes(word)) ? [{ name, file }] : [];
  });
}

/** By name; of two files with one name the first counts. */
async function readFolder(folder: string | undefined, option: 'lora-dir' | 'embedding-dir'): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  if (folder === undefined) return files;
  const names = await readdir(resolve(folder), { recursive: true }).catch((error: unknown) => refuse(option, `${folder} cannot be read: ${error instanceof Error ? error.message : String(error)}`));
  for (const name of names.sort()) {
    if (extname(name).toLowerCase() !== ending) continue;
    const called = basename(name).replace(/\.safetensors$/i, '');
    if (!files.has(called)) files.set(called, join(resolve(folder), name));
  }
  return files;
}
