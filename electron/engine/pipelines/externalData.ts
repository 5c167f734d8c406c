import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { ModelFault } from './modelFault.ts';
import { type OnnxFacts, readOnnxFile } from './onnxFile.ts';

/** An .onnx file and the files its weights lie in, all of them inside the model's folder. */
export interface CheckedOnnx extends OnnxFacts {
  readonly file: string;
  /** Absolute, in name order. */
  readonly dataFiles: readonly string[];
  /** Of the file and its data files. */
  readonly bytes: number;
}

/**
 * Reads an .onnx file's structure and makes sure that whatever it refers to lies in the model's folder and is there in full.
 * To be called before a runtime gets the file: a path in it may point anywhere.
 * @param root the model's folder
 * @throws StopbathError `UNSAFE_FILE` for a path out of the folder; `MODEL_PARTS` naming a data file that is missing or too short;
 * `MODEL_BAD`.
 */
export async function checkOnnxFile(file: string, root: string): Promise<CheckedOnnx> {
  const part = partName(file);
  const { size } = await statOrMissing(file, part);
  const facts = readOnnxFile(file);
  const ends = new Map<string, number>();
  for (const { name, location, offset, length } of facts.external) {
    const fault = locationFault(location);
    if (fault !== null) throw unsafe(part, name, location, fault);
    const end = offset + (length ?? 0);
    ends.set(location, Math.max(ends.get(location) ?? 0, end));
  }
  const dataFiles: string[] = [];
  let bytes = size;
  for (const [location, end] of ends) {
    const target = join(dirname(file), location);
    const data = await statOrMissing(target, dataName(file, location), part);
    if (!(await staysIn(root, target))) throw unsafe(part, '', location, 'it leads out of the model folder by a link');
    if (end > data.size) throw tooShort(dataName(file, location), data.size, end);
    if (!dataFiles.includes(target)) {
      dataFiles.push(target);
      bytes += data.size;
    }
  }
  return { ...facts, file, dataFiles: dataFiles.sort(), bytes };
}

/** Why a place of external data is not one inside the folder of its .onnx file, or null. */
export function locationFault(location: string): string | null {
  if (location === '' || location.includes('\0')) return 'it is no file name';
  // ONNX Runtime's own mark for weights that lie in memory, with an address in place of an offset.
  if (location.includes('_ORT_MEM_ADDR_')) return 'it points into memory';
  if (/^([/\\]|[a-z]:)/i.test(location)) return 'it is an absolute path';
  if (location.split(/[/\\]/).includes('..')) return 'it leads out of the folder';
  return null;
}

/** A file, after links, in the folder, after links. A snapshot in Hugging Face's cache keeps its files in `blobs` beside it. */
async function staysIn(root: string, target: string): Promise<boolean> {
  const real = await realpath(target);
  const folder = await realpath(root);
  const cache = /^(.*[/\\]models--[^/\\]+)[/\\]snapshots[/\\]/.exec(`${resolve(root)}${sep}`)?.[1];
  const allowed = cache === undefined ? [folder] : [folder, join(await realpath(cache), 'blobs')];
  return allowed.some((place) => isInside(place, real));
}

function isInside(folder: string, file: string): boolean {
  const way = relative(folder, file);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** `unet/model.onnx`: what a person recognises of a path. */
export function partName(file: string): string {
  return `${basename(dirname(file))}/${basename(file)}`;
}

function dataName(file: string, location: string): string {
  return `${basename(dirname(file))}/${location}`;
}

async function statOrMissing(file: string, name: string, neededBy?: string) {
  try {
    const found = await stat(file);
    if (found.isFile()) return found;
  } catch {
    // Told below.
  }
  throw new ModelFault(neededBy === undefined ? 'PART_MISSING' : 'DATA_MISSING', folderOf(name), {
    code: 'MODEL_PARTS',
    message: neededBy === undefined ? `${name} is missing.` : `${name} is missing: the weights of ${neededBy} lie in it.`,
    nextStep: 'Copy or download the model again, with all files of the folder.',
  });
}

function tooShort(name: string, size: number, needed: number): ModelFault {
  return new ModelFault('DATA_SHORT', folderOf(name), {
    code: 'MODEL_PARTS',
    message: `${name} is cut off: it has ${size} bytes of at least ${needed}.`,
    nextStep: 'Copy or download this file again.',
  });
}

function unsafe(part: string, tensor: string, location: string, why: string): ModelFault {
  return new ModelFault('UNSAFE_PATH', folderOf(part), {
    code: 'UNSAFE_FILE',
    message: `${part} was not opened: it wants weights from ${JSON.stringify(location.slice(0, 200))}, and ${why}.`,
    nextStep: 'Take this model from a source you trust, or put its data files beside its .onnx file.',
    ...(tensor === '' ? {} : { detail: `tensor ${tensor}` }),
  });
}

function folderOf(name: string): string {
  return name.split('/')[0] ?? '';
}
