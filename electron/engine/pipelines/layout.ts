import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { readOptionalModelJson } from './modelFolder.ts';
import { type Assumption, ModelFault } from './modelFault.ts';

export const partNames = ['text_encoder', 'text_encoder_2', 'unet', 'unet_shallow', 'vae_decoder', 'vae_encoder', 'taesd_decoder'] as const;
export type PartName = (typeof partNames)[number];

export type Family = 'sd' | 'sdxl';

/** Where the parts of a model lie, in whatever way it was exported. */
export interface ModelLayout {
  /** The folder that was given: nothing outside it is read. */
  readonly root: string;
  /** The folder of the parts: that one, or one in it. */
  readonly folder: string;
  /** `model_index.json`; empty where there is none. */
  readonly index: Readonly<Record<string, unknown>>;
  readonly className: string;
  readonly family: Family;
  /** The .onnx file of each part that is there. */
  readonly files: Readonly<Partial<Record<PartName, string>>>;
  /** What the files leave open, and what is taken. */
  readonly assumptions: readonly Assumption[];
}

const families: readonly (readonly [Family, readonly string[]])[] = [
  ['sd', ['StableDiffusionPipeline', 'StableDiffusionImg2ImgPipeline', 'StableDiffusionInpaintPipeline', 'StableDiffusionInpaintPipelineLegacy']],
  ['sd', ['LatentConsistencyModelPipeline', 'LatentConsistencyModelImg2ImgPipeline']],
  ['sdxl', ['StableDiffusionXLPipeline', 'StableDiffusionXLImg2ImgPipeline', 'StableDiffusionXLInpaintPipeline']],
];

/** Names of no family: optimum's and diffusers' classes that look for themselves. */
const general = ['', 'DiffusionPipeline', 'AutoPipelineForText2Image', 'AutoPipelineForImage2Image', 'AutoPipelineForInpainting'];

/** optimum writes ORT before a class name, diffusers' old ONNX pipelines have Onnx there. */
function plainClass(className: string): string {
  return className.replace(/^(ORT|Onnx)(?=[A-Z])/, '');
}

/** The family of a class name; null: the name tells none; undefined: of no family there is. */
function familyOfClass(className: string): Family | null | undefined {
  const plain = plainClass(className);
  if (general.includes(plain)) return null;
  return families.find(([, names]) => names.includes(plain))?.[0];
}

/**
 * Finds the parts of a model and its family, by names only: nothing large is read.
 * @throws StopbathError `MODEL_NOT_FOUND`, `MODEL_BAD` (a broken model_index.json), `MODEL_UNSUPPORTED` (a class of no family).
 */
export async function readLayout(given: string): Promise<ModelLayout> {
  await requireFolder(given);
  const assumptions: Assumption[] = [];
  const folder = await folderOfParts(given);
  if (folder !== given) assumptions.push(foundInside(relative(given, folder)));
  const index = (await readOptionalModelJson(folder, 'model_index.json')) ?? (await readOptionalModelJson(given, 'model_index.json'));
  const named = index?.['_class_name'];
  const className = typeof named === 'string' ? named : '';
  const family = familyOfClass(className);
  if (family === undefined) throw unknownClass(className);
  const files: Partial<Record<PartName, string>> = {};
  for (const part of partNames) {
    const found = await findPart(folder, part);
    if (found === null) continue;
    files[part] = found;
    const name = relative(folder, found).replaceAll('\\', '/');
    if (part !== 'taesd_decoder' && name !== `${part}/model.onnx`) assumptions.push(otherName(part, name));
  }
  if (index === null && Object.keys(files).length === 0) throw noModel(given);
  const seen: Family = files.text_encoder_2 === undefined ? 'sd' : 'sdxl';
  if (family === null) assumptions.push(assumedClass(index === null, className, seen));
  return { root: given, folder, index: index ?? {}, className, family: family ?? seen, files, assumptions };
}

async function requireFolder(folder: string): Promise<void> {
  try {
    if ((await stat(folder)).isDirectory()) return;
  } catch {
    // Told below.
  }
  throw new ModelFault('FOLDER_MISSING', '', {
    code: 'MODEL_NOT_FOUND',
    message: `There is no model folder at ${folder}.`,
    nextStep: 'If the folder was moved or renamed, add the model again from where it is now.',
  });
}

/** Olive writes models/optimized/OWNER/NAME. */
const deepest = 4;
const mostFolders = 300;

/** The folder itself, or where it has no UNet the one folder in it that has one. */
async function folderOfParts(given: string): Promise<string> {
  if ((await findPart(given, 'unet')) !== null) return given;
  const found: string[] = [];
  let level = [given];
  let seen = 0;
  for (let depth = 0; depth < deepest && level.length > 0; depth++) {
    const next: string[] = [];
    for (const parent of level) {
      for (const name of await foldersIn(parent)) {
        if (++seen > mostFolders) return given;
        const child = join(parent, name);
        if ((await findPart(child, 'unet')) === null) next.push(child);
        else found.push(child);
      }
    }
    if (found.length > 0) break;
    level = next;
  }
  if (found.length > 1) throw severalModels(found.map((folder) => relative(given, folder)));
  return found[0] ?? given;
}

async function foldersIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
  } catch {
    return [];
  }
}

/** Folders a part may lie in, and names of its file without a folder. */
function placesOf(part: PartName): readonly string[] {
  return part === 'taesd_decoder' ? ['taesd_decoder', 'taesd'] : [part];
}

/**
 * The .onnx file of a part: `model.onnx`, or what other exporters call it, or the only one in its folder; or `unet.onnx` where all
 * lie in one folder.
 */
async function findPart(folder: string, part: PartName): Promise<string | null> {
  for (const place of placesOf(part)) {
    const names = await onnxFilesIn(join(folder, place));
    const best = bestName(names, part);
    if (best !== null) return join(folder, place, best);
  }
  const flat = await onnxFilesIn(folder);
  const own = placesOf(part).flatMap((place) => [`${place}.onnx`, `${place}_fp16.onnx`, `${place}.fp16.onnx`]);
  const name = own.find((candidate) => flat.includes(candidate));
  return name === undefined ? null : join(folder, name);
}

async function onnxFilesIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory() && entry.name.endsWith('.onnx')).map(({ name }) => name).sort();
  } catch {
    return [];
  }
}

/** Of several the plainest; Olive writes `model_optimized.onnx`, transformers.js `model_fp16.onnx`. */
function bestName(names: readonly string[], part: string): string | null {
  const wanted = ['model.onnx', 'model_optimized.onnx', 'optimized_model.onnx', 'model_fp16.onnx', 'model.fp16.onnx', `${part}.onnx`, 'decoder.onnx'];
  return wanted.find((name) => names.includes(name)) ?? (names.length === 1 ? (names[0] ?? null) : null);
}

function foundInside(way: string): Assumption {
  return {
    code: 'FOLDER_INSIDE',
    part: '',
    message: `The parts of the model lie in its folder ${way}; that one is used.`,
    remedy: '',
  };
}

function otherName(part: string, name: string): Assumption {
  return { code: 'FILE_NAME', part, message: `${part} is read from ${name}.`, remedy: '' };
}

const familyNames: Readonly<Record<Family, string>> = { sd: 'Stable Diffusion', sdxl: 'Stable Diffusion XL' };

function assumedClass(isMissing: boolean, className: string, family: Family): Assumption {
  const why = isMissing
    ? 'model_index.json is missing'
    : className === ''
      ? 'model_index.json names no class'
      : `model_index.json names ${className}, which is of any kind`;
  const seen = family === 'sdxl' ? 'there is a text_encoder_2' : 'there is one text encoder';
  return {
    code: 'CLASS_ASSUMED',
    part: '',
    message: `${why}; ${seen}, so the model is taken for ${familyNames[family]}.`,
    remedy: 'If it is of another kind, copy its model_index.json into the folder.',
  };
}

function noModel(folder: string): ModelFault {
  return new ModelFault('PART_MISSING', '', {
    code: 'MODEL_PARTS',
    message: `There is no model in ${folder}: model_index.json and unet/model.onnx are missing.`,
    nextStep: 'Choose the folder that holds the folders unet, vae_decoder and text_encoder.',
  });
}

function unknownClass(className: string): ModelFault {
  return new ModelFault('CLASS_UNKNOWN', '', {
    code: 'MODEL_UNSUPPORTED',
    message: `model_index.json: ${className} models cannot be run yet.`,
    nextStep: 'Choose a Stable Diffusion 1.x, 2.x or XL model exported to ONNX.',
  });
}

function severalModels(ways: readonly string[]): ModelFault {
  return new ModelFault('PART_MISSING', '', {
    code: 'MODEL_PARTS',
    message: `unet/model.onnx is missing, and ${ways.length} folders inside have one: ${ways.slice(0, 5).join(', ')}.`,
    nextStep: 'Add one of these folders as the model.',
  });
}
