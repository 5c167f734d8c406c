import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as Runtime from 'onnxruntime-node';
import { packFiles } from '../../system/cudaLibraries.ts';
import { runtimePackage } from '../../system/runtimePackage.ts';
import { loadCudaLibraries, loadPackRuntime } from './cudaPack.ts';

/** Before the binding is loaded: afterwards it has its own copy of the runtime, and that one stays. */
export const loadedPack = loadPackRuntime();

/** An import would be moved above the line before. */
function loadBinding(require: NodeJS.Require): typeof Runtime {
  return require('onnxruntime-node') as typeof Runtime;
}

const runtime = loadBinding(createRequire(import.meta.url));

export const { InferenceSession, Tensor: OrtTensor, env } = runtime;

/** Version of onnxruntime-node. */
export const runtimeVersion: string = env.versions.node ?? '';

/** The NVIDIA provider's library this process would load, or null: the pack's, or one beside the binding (a developer's install). */
export function cudaProviderFile(): string | null {
  const folder = loadedPack.folder ?? runtimePackage().folder;
  const file = join(folder, packFiles[2]);
  return existsSync(file) ? file : null;
}

let cudaReady = false;

/** To be called before a session on CUDA is made. @throws Error in the loader's words. */
export function prepareCuda(): void {
  const file = cudaProviderFile();
  if (cudaReady || file === null) return;
  loadCudaLibraries(file);
  cudaReady = true;
}
