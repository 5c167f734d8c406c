import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from '../../../../shared/models.ts';
import { cudnnLibrary, findLibrary, isNvidiaLibrary, libraryFolders, majorsOf, ownLibraries, packFiles } from '../../../system/cudaLibraries.ts';
import { nvidiaDriverVersion } from '../../../system/driverKey.ts';
import { neededLibraries } from '../../../system/elf.ts';
import type { PackState } from './pack.ts';

/** What the checks look at; a test puts a machine of its own here. */
export interface Machine {
  /** e.g. `535.86.10`; null without the kernel module. */
  readonly driver: string | null;
  /** WSL has the driver on the Windows side. */
  readonly isWsl: boolean;
  /** Folders libraries are looked for in. */
  readonly folders: readonly string[];
}

export function thisMachine(root: string): Machine {
  return { driver: nvidiaDriverVersion(), isWsl: existsSync('/dev/dxg'), folders: libraryFolders(root) };
}

/** Least drivers on Linux, NVIDIA's table "CUDA Toolkit and Minimum Required Driver Version for CUDA Minor Version Compatibility". */
const leastDrivers: Readonly<Record<number, string>> = { 12: '525.60.13', 13: '580.65.06' };

/** Where the provider's file is not here yet to be asked: what onnxruntime-node's installer names (`cuda12`). */
const assumed = ['libcublasLt.so.12', 'libcublas.so.12', 'libcurand.so.10', 'libcudart.so.12'];

/** The checks of the Device panel, in order: driver, CUDA, cuDNN, the pack's files and version. */
export function cudaChecks(pack: PackState, others: readonly string[], root: string, machine: Machine = thisMachine(root)): Finding[] {
  const needed = pack.kind === 'installed' ? nvidiaNeeds(join(pack.folder, packFiles[2])) : assumed;
  const major = Number(/^libcudart\.so\.(\d+)$/.exec(needed.find((name) => name.startsWith('libcudart')) ?? '')?.[1] ?? 12);
  return [driverCheck(machine, major), cudaCheck(machine, needed, major, root), cudnnCheck(machine, major, root), packCheck(pack), ...versionCheck(others)];
}

function nvidiaNeeds(file: string): string[] {
  try {
    return neededLibraries(file).filter(isNvidiaLibrary);
  } catch {
    return assumed;
  }
}

const part = 'cuda';

function driverCheck({ driver, isWsl, folders }: Machine, major: number): Finding {
  if (driver === null && isWsl) {
    const has = findLibrary('libcuda.so.1', folders) !== null;
    return has
      ? { severity: 'fine', part, code: 'CUDA_DRIVER', message: 'The NVIDIA driver of Windows is reachable.', remedy: '' }
      : { severity: 'error', part, code: 'CUDA_DRIVER_MISSING', message: 'The NVIDIA driver of Windows is not reachable from here.', remedy: 'Install the NVIDIA driver in Windows, then run: wsl --update' };
  }
  if (driver === null) {
    return { severity: 'error', part, code: 'CUDA_DRIVER_MISSING', message: 'No NVIDIA driver is loaded.', remedy: 'Install the NVIDIA driver of your system, then start it again. Without an NVIDIA card nothing here is needed.' };
  }
  const least = leastDrivers[major];
  if (least !== undefined && compareVersions(driver, least) < 0) {
    return { severity: 'error', part, code: 'CUDA_DRIVER_OLD', message: `The NVIDIA driver is ${driver}; CUDA ${major} needs ${least} or newer.`, remedy: 'Update the NVIDIA driver.' };
  }
  return { severity: 'fine', part, code: 'CUDA_DRIVER', message: `NVIDIA driver ${driver}.`, remedy: '' };
}

function cudaCheck({ folders }: Machine, needed: readonly string[], major: number, root: string): Finding {
  const missing = needed.filter((name) => !name.startsWith('libcuda.') && findLibrary(name, folders) === null);
  if (missing.length === 0) return { severity: 'fine', part, code: 'CUDA', message: `The libraries of CUDA ${major} are here.`, remedy: '' };
  const remedy = `Install CUDA ${major} (NVIDIA's package cuda-runtime-${major}-... or the CUDA toolkit), or put the missing files into ${ownLibraries(root)}.`;
  const here = majorsOf('libcudart', folders).filter((version) => version !== major);
  if (here.length > 0 && missing.some((name) => name.startsWith('libcudart'))) {
    return { severity: 'error', part, code: 'CUDA_MAJOR', message: `CUDA ${here.join(' and ')} is installed, CUDA ${major} is needed: ${missing.join(', ')} missing. One does not replace the other.`, remedy };
  }
  return { severity: 'error', part, code: 'CUDA_LIB_MISSING', message: `Libraries of CUDA ${major} are missing: ${missing.join(', ')}.`, remedy };
}

function cudnnCheck({ folders }: Machine, major: number, root: string): Finding {
  if (findLibrary(cudnnLibrary, folders) !== null) return { severity: 'fine', part, code: 'CUDNN', message: 'cuDNN 9 is here.', remedy: '' };
  const remedy = `Install cuDNN 9 for CUDA ${major} (NVIDIA's package cudnn9-cuda-${major}), or put its files into ${ownLibraries(root)}.`;
  const here = majorsOf('libcudnn', folders);
  if (here.length > 0) return { severity: 'error', part, code: 'CUDNN_MAJOR', message: `cuDNN ${here.join(' and ')} is installed, cuDNN 9 is needed. One does not replace the other.`, remedy };
  return { severity: 'error', part, code: 'CUDNN_MISSING', message: 'cuDNN 9 is missing.', remedy };
}

function packCheck(pack: PackState): Finding {
  switch (pack.kind) {
    case 'installed':
      return { severity: 'fine', part, code: 'CUDA_PACK', message: `The NVIDIA libraries of ONNX Runtime are in ${pack.folder}.`, remedy: '' };
    case 'broken':
      return { severity: 'error', part, code: 'CUDA_PACK_BROKEN', message: `The NVIDIA libraries of ONNX Runtime in ${pack.folder} cannot be used: ${pack.problem}.`, remedy: 'Install them again.' };
    case 'absent':
      return { severity: 'note', part, code: 'CUDA_PACK_MISSING', message: 'The NVIDIA libraries of ONNX Runtime are not installed.', remedy: 'Install them (about 200 MB).' };
  }
}

function versionCheck(others: readonly string[]): Finding[] {
  if (others.length === 0) return [];
  return [{ severity: 'note', part, code: 'CUDA_PACK_OTHER', message: `Libraries of another version are still here: ${others.join(', ')}.`, remedy: 'They are of an older or newer Stopbath and can be deleted.' }];
}

/** Of dotted numbers. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (let index = 0; index < Math.max(left?.length ?? 0, right?.length ?? 0); index++) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
