import { existsSync, statSync } from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { cudnnLibrary, findLibrary, inLoadOrder, isNvidiaLibrary, libraryFolders, packFiles, packRoot } from '../../system/cudaLibraries.ts';
import { neededLibraries } from '../../system/elf.ts';
import { runtimePackage } from '../../system/runtimePackage.ts';

/** Loads one library into the process for good. @throws Error with the loader's words. */
export type LoadLibrary = (file: string) => void;

const keepLoaded = 0x1000;

/**
 * `process.dlopen` for what is no add-on: the library stays mapped, then Node finds no module in it and throws, which is no
 * failure here. RTLD_NODELETE keeps it, RTLD_GLOBAL lets later libraries find it by its name.
 */
export const loadLibrary: LoadLibrary = (file) => {
  const { RTLD_NOW, RTLD_GLOBAL } = os.constants.dlopen;
  try {
    process.dlopen({ exports: {} }, file, RTLD_NOW | RTLD_GLOBAL | keepLoaded);
  } catch (error) {
    if (!String(error).includes('did not self-register')) throw error;
  }
};

/** The folder of all packs: `STOPBATH_CUDA_DIR`, else beside the cache folder the host gave. */
export function packHome(env: NodeJS.ProcessEnv = process.env): string | null {
  const chosen = env['STOPBATH_CUDA_DIR'] ?? '';
  if (chosen !== '') return chosen;
  const cache = env['STOPBATH_CACHE_DIR'] ?? '';
  return cache === '' ? null : packRoot(dirname(cache));
}

/** What the process has of the pack. `failure` is for {@link explainFailure}. */
export interface LoadedPack {
  readonly folder: string | null;
  readonly failure: string | null;
}

/**
 * Loads the pack's copy of ONNX Runtime before the binding asks for it by name: the runtime looks for its NVIDIA provider beside
 * the file it was loaded from, and an installed app's own folder cannot be written to. Nothing else of the pack is touched.
 */
export function loadPackRuntime(load: LoadLibrary = loadLibrary, home: string | null = packHome()): LoadedPack {
  if (home === null || process.platform !== 'linux' || process.arch !== 'x64') return { folder: null, failure: null };
  try {
    const { version, folder: own } = runtimePackage();
    const folder = join(home, version);
    if (!isComplete(folder)) return { folder: null, failure: null };
    const copy = join(folder, packFiles[0]);
    if (statSync(copy).size !== statSync(join(own, packFiles[0])).size) return { folder: null, failure: `${copy}: file too short` };
    load(copy);
    return { folder, failure: null };
  } catch (error) {
    return { folder: null, failure: String(error) };
  }
}

export function isComplete(folder: string): boolean {
  return packFiles.every((name) => existsSync(join(folder, name)));
}

/**
 * Loads what the provider needs of CUDA and cuDNN: by name where the system's loader knows it, else from the folders it may be in.
 * The names are read from the provider's own header, so they are right for whichever CUDA it was built with.
 * @throws Error in the loader's words, naming the first library that is missing.
 */
export function loadCudaLibraries(provider: string, load: LoadLibrary = loadLibrary, folders: readonly string[] = libraryFolders(packHome())): void {
  for (const name of inLoadOrder(neededLibraries(provider).filter(isNvidiaLibrary))) loadAnywhere(name, load, folders);
  // Convolutions need it, and the provider looks for it only when the first one runs.
  loadAnywhere(cudnnLibrary, load, folders);
}

function loadAnywhere(name: string, load: LoadLibrary, folders: readonly string[]): void {
  try {
    load(name);
  } catch (error) {
    const file = findLibrary(name, folders);
    if (file === null) throw error;
    load(file);
  }
}
