import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The files of the pack; the first is the app's own runtime, beside which it looks for the others. */
export const packFiles = ['libonnxruntime.so.1', 'libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'] as const;

/** Where the packs are: one folder a version of the runtime, beside the folders an update leaves alone. */
export function packRoot(dataFolder: string): string {
  return join(dataFolder, 'cuda');
}

/** A person may put CUDA and cuDNN libraries here instead of installing them for the whole system. */
export function ownLibraries(root: string): string {
  return join(root, 'libraries');
}

/** Libraries of NVIDIA that belong together; what others need stands before them. `libcuda` comes with the driver. */
const order = ['libcuda.', 'libcudart.', 'libnvJitLink.', 'libcublasLt.', 'libcublas.', 'libcurand.', 'libnvrtc.', 'libcufft.', 'libcudnn.'];

export function isNvidiaLibrary(name: string): boolean {
  return order.some((stem) => name.startsWith(stem));
}

export function inLoadOrder(names: readonly string[]): string[] {
  const rank = (name: string): number => order.findIndex((stem) => name.startsWith(stem));
  return [...names].sort((a, b) => rank(a) - rank(b));
}

/** Loaded by the provider itself while it runs, so no header names them: cuDNN for convolutions, cuFFT for none of our models. */
export const cudnnLibrary = 'libcudnn.so.9';

const fixedFolders = ['/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib', '/lib/x86_64-linux-gnu', '/lib64', '/usr/local/lib', '/opt/cuda/lib64', '/opt/cuda/targets/x86_64-linux/lib', '/usr/lib/wsl/lib'];

/** Folders in which NVIDIA libraries may be, also those the system's loader does not know, as /usr/local/cuda-12.8/lib64. */
export function libraryFolders(root: string | null, env: NodeJS.ProcessEnv = process.env): string[] {
  const chosen = (env['LD_LIBRARY_PATH'] ?? '').split(':');
  const toolkits = names('/usr/local')
    .filter((name) => /^cuda(?:-[\d.]+)?$/.test(name))
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
    .flatMap((name) => [`/usr/local/${name}/lib64`, `/usr/local/${name}/targets/x86_64-linux/lib`]);
  const home = env['CUDA_PATH'] ?? '';
  const all = [root === null ? '' : ownLibraries(root), ...chosen, home === '' ? '' : join(home, 'lib64'), ...loaderFolders(), ...fixedFolders, ...toolkits];
  return [...new Set(all.filter((folder) => folder !== ''))];
}

/** What the system's loader was told in /etc/ld.so.conf.d. */
function loaderFolders(): string[] {
  const configs = names('/etc/ld.so.conf.d').filter((name) => name.endsWith('.conf'));
  return configs.flatMap((name) => read(join('/etc/ld.so.conf.d', name)).split('\n')).map((line) => line.trim()).filter((line) => line.startsWith('/'));
}

export function findLibrary(name: string, folders: readonly string[]): string | null {
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file)) ?? null;
}

/** Versions of a library that are there: `libcudart` gives [11, 13]. */
export function majorsOf(stem: string, folders: readonly string[]): number[] {
  const pattern = new RegExp(`^${stem}\\.so\\.(\\d+)$`);
  const found = folders.flatMap(names).map((name) => Number(pattern.exec(name)?.[1] ?? Number.NaN));
  return [...new Set(found.filter(Number.isInteger))].sort((a, b) => a - b);
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
