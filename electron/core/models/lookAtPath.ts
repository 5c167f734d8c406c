import { readdir, stat, statfs } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { StopbathError, type ErrorCode } from '../../../shared/errors.ts';
import type { Offer } from '../../../shared/models.ts';
import { systemCode } from '../files.ts';
import { isOnnx, isPickle, isSafetensors } from './fileNames.ts';
import { findModels, weightsReasons, type FoundModel } from './findModels.ts';
import { type FileBytes, modelFiles, sumBytes } from './folderBytes.ts';
import { peekSafetensors } from './peekSafetensors.ts';

/** A model at a path, as it is offered and taken. */
export interface FoundVariant extends FoundModel {
  readonly id: string;
  /** Where it lies, absolute. */
  readonly path: string;
}

export interface FoundAtPath {
  readonly variants: readonly FoundVariant[];
  readonly refused: Offer['refused'];
}

/**
 * What of a path can be used. Only names, sizes and the headers of .safetensors files are read.
 * @param path absolute
 * @throws StopbathError saying what lies there instead and what to do: `NOT_FOUND`, `FILE_ACCESS`, `UNSAFE_FILE` (pickles),
 *   `MODEL_UNSUPPORTED`, `MODEL_BAD`, `MODEL_PARTS` (one part of a model), `INVALID_INPUT` (no model at all).
 */
export async function findAtPath(path: string): Promise<FoundAtPath> {
  const kind = await kindAt(path);
  if (kind === 'file') return { variants: [variantOf(path, await checkpointAt(path))], refused: [] };
  const found = await findModels(path);
  if (found.models.length === 0) throw await emptyFailure(path, found.refused);
  return { variants: found.models.map((model) => variantOf(path, model)), refused: found.refused };
}

/** @param diskAt a folder of the disk whose room is told. */
export async function offerAtPath(path: string, { variants, refused }: FoundAtPath, diskAt: string): Promise<Offer> {
  const disk = await statfs(diskAt).catch(() => null);
  return {
    source: { kind: 'path', path },
    title: basename(path) === '' ? path : basename(path),
    license: null,
    gated: false,
    variants: await Promise.all(variants.map(offered)),
    refused: refused.slice(0, 200),
    diskFree: disk === null ? 0 : disk.bavail * disk.bsize,
  };
}

async function offered({ id, path, at, origin }: FoundVariant): Promise<Offer['variants'][number]> {
  const files = await filesOf(path, origin);
  const bytes = sumBytes(files);
  const label = { onnx: 'ONNX folder', diffusers: 'safetensors folder', checkpoint: 'safetensors file' }[origin];
  return { id, label: at === '' ? label : `${at} (${label})`, origin, bytes, bytesHere: bytes, files, memoryBytes: null };
}

/** The files a model would be used from. */
export async function filesOf(path: string, origin: FoundModel['origin']): Promise<FileBytes[]> {
  if (origin === 'checkpoint') return [{ path: basename(path), bytes: (await stat(path)).size }];
  const files = await modelFiles(path);
  // A folder may hold the same model in both forms, and single files beside it.
  return files.filter((file) => !(origin === 'onnx' ? isSafetensors(file.path) : isOnnx(file.path) || (isSafetensors(file.path) && !file.path.includes('/'))));
}

function variantOf(path: string, model: FoundModel): FoundVariant {
  return { ...model, id: model.at === '' ? model.origin : `${model.origin}:${model.at}`, path: model.at === '' ? path : join(path, model.at) };
}

async function kindAt(path: string): Promise<'file' | 'folder'> {
  let found: Awaited<ReturnType<typeof stat>>;
  try {
    found = await stat(path);
    if (found.isDirectory()) await readdir(path);
  } catch (error) {
    throw accessFailure(path, error);
  }
  if (found.isDirectory()) return 'folder';
  if (found.isFile()) return 'file';
  throw refusal('INVALID_INPUT', `${path} is a device or a pipe, and no file.`, 'Choose a folder or a file of a model.');
}

/** What the system says of a path, as a sentence. */
export function accessFailure(path: string, error: unknown): StopbathError {
  const detail = error instanceof Error ? error.message : String(error);
  const say = (code: ErrorCode, message: string, nextStep: string): StopbathError =>
    new StopbathError({ code, message, nextStep, field: 'at', detail }, { cause: error });
  switch (systemCode(error)) {
    case 'ENOENT':
      return say('NOT_FOUND', `There is nothing at ${path}.`, 'Look whether the path is right and the disk is connected.');
    case 'ENOTDIR':
      return say('NOT_FOUND', `There is nothing at ${path}: a part of the path is a file.`, 'Look whether the path is right.');
    case 'EACCES':
    case 'EPERM':
      return say('FILE_ACCESS', `${path} may not be read.`, 'Give yourself the right to read it, then try again.');
    case 'ELOOP':
      return say('FILE_ACCESS', `${path} is a link that leads back to itself.`, 'Choose the folder or the file itself.');
    case 'ENAMETOOLONG':
      return say('INVALID_INPUT', `A name in this path is longer than the system allows.`, 'Copy the path again from your file manager.');
    default:
      return say('FILE_ACCESS', `${path} could not be read.`, 'Look whether the disk is connected, then try again.');
  }
}

async function checkpointAt(path: string): Promise<FoundModel> {
  if (!isSafetensors(path)) throw await noModelFile(path);
  let kind: Awaited<ReturnType<typeof peekSafetensors>>;
  try {
    kind = await peekSafetensors(path);
  } catch (error) {
    throw accessFailure(path, error);
  }
  if (kind === 'model') return { origin: 'checkpoint', at: '' };
  const next: Readonly<Record<typeof kind, string>> = {
    lora: 'Put it into a folder for LoRAs, which the settings name, and call it in a prompt.',
    embedding: 'Put it into a folder for embeddings, which the settings name, and write its name in a prompt.',
    vae: 'Choose a file or a folder of a whole model.',
    controlnet: 'Choose a file or a folder of a whole model.',
    part: `Choose the folder of the whole model, such as ${dirname(dirname(path))}.`,
    damaged: 'Copy or download it again.',
  };
  const code: ErrorCode = kind === 'damaged' ? 'MODEL_BAD' : kind === 'part' || kind === 'vae' ? 'MODEL_PARTS' : 'MODEL_UNSUPPORTED';
  throw refusal(code, `${basename(path)} is no model. ${weightsReasons[kind]}`, next[kind]);
}

async function noModelFile(path: string): Promise<StopbathError> {
  const name = basename(path);
  if (isPickle(name)) {
    return refusal('UNSAFE_FILE', `${name} is a pickle, which can run programs when it is opened.`, 'Look for the same model as .safetensors, or convert it in the tool that made it.');
  }
  if (isOnnx(name)) {
    return refusal('MODEL_PARTS', `${name} is one part of a model.`, `Choose the folder of the whole model, such as ${dirname(dirname(path))}.`);
  }
  if (name === 'model_index.json') return refusal('INVALID_INPUT', `${name} is one file of a model.`, `Choose its folder, ${dirname(path)}.`);
  const kinds: readonly (readonly [RegExp, string, string])[] = [
    [/\.gguf$/i, 'a GGUF file, which cannot be read yet', 'Look for the same model as .safetensors or ONNX.'],
    [/\.(zip|7z|rar|tar|gz|tgz|zst|xz)$/i, 'an archive', 'Unpack it, and choose what was in it.'],
    [/\.(part|crdownload|download|tmp)$/i, 'a download that has not ended', 'Let it finish, or download the model in Stopbath.'],
    [/\.(png|jpe?g|webp|gif|bmp)$/i, 'a picture', 'Choose a .safetensors file, or the folder of a model.'],
  ];
  const known = kinds.find(([pattern]) => pattern.test(name));
  if (known !== undefined) return refusal(known[0].source.includes('gguf') ? 'MODEL_UNSUPPORTED' : 'INVALID_INPUT', `${name} is ${known[1]}.`, known[2]);
  const ending = extname(name) === '' ? 'a file without an ending' : `a ${extname(name)} file`;
  return refusal('INVALID_INPUT', `${name} is ${ending}, and no model.`, 'Choose a .safetensors file, or the folder of a model.');
}

/** A folder without a model: why. */
async function emptyFailure(path: string, refused: Offer['refused']): Promise<StopbathError> {
  const names = await readdir(path);
  const name = basename(path);
  const whole = 'Choose a .safetensors file, a folder of such files, or the folder of an ONNX or diffusers model (one with a folder unet in it).';
  if (names.length === 0) return refusal('INVALID_INPUT', `The folder ${name} is empty.`, whole);
  const [first] = refused;
  if (first === undefined) {
    if (names.some(isOnnx) || names.some((file) => /^diffusion_pytorch_model|^model\.safetensors/.test(file))) {
      return refusal('MODEL_PARTS', `The folder ${name} is one part of a model.`, `Choose the folder of the whole model, such as ${dirname(path)}.`);
    }
    return refusal('INVALID_INPUT', `There is no model in ${name}.`, whole);
  }
  if (refused.every(({ path: file }) => isPickle(file))) {
    return refusal('UNSAFE_FILE', `${name} holds pickles only, like ${first.path}: opening one can run programs.`, 'Look for the same models as .safetensors.');
  }
  return refusal('MODEL_UNSUPPORTED', `There is no model in ${name}. ${first.path}: ${first.reason}`, whole);
}

function refusal(code: ErrorCode, message: string, nextStep: string): StopbathError {
  return new StopbathError({ code, message, nextStep, field: 'at' });
}
