import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { deviceReasons, explainFailure } from '../../../shared/deviceReasons.ts';
import type { ProviderId } from '../../../shared/generation.ts';
import { libraryFolders } from '../../system/cudaLibraries.ts';
import { runtimePackage } from '../../system/runtimePackage.ts';
import { isComplete, packHome } from './cudaPack.ts';
import type { Verdict } from './prober.ts';
import { cudaProviderFile, loadedPack } from './runtime.ts';

/** What the NVIDIA driver, or WSL's stand-in for it, leaves on a system with a card. */
const nvidiaMarks = ['/proc/driver/nvidia/version', '/dev/nvidiactl', '/dev/dxg'];

/** Saves a process start where a missing file already decides. Linux only. */
export function knownMissing(provider: ProviderId): Verdict {
  if (process.platform !== 'linux') return null;
  if (provider === 'cuda') return cudaMissing();
  return provider === 'webgpu' ? vulkanMissing() : null;
}

function cudaMissing(): Verdict {
  if (!nvidiaMarks.some((mark) => existsSync(mark))) return explainFailure('cuda', 'CUDA failure 100');
  if (loadedPack.failure !== null) return explainFailure('cuda', loadedPack.failure);
  if (cudaProviderFile() !== null) return null;
  const home = packHome();
  // Put there after this process had loaded the runtime.
  if (home !== null && isComplete(join(home, runtimePackage().version))) return deviceReasons.packAfterRestart;
  return explainFailure('cuda', 'libonnxruntime_providers_cuda.so: cannot open');
}

function vulkanMissing(): Verdict {
  const hasLoader = existsSync('/nix') || libraryFolders(null).some((folder) => existsSync(join(folder, 'libvulkan.so.1')));
  return hasLoader ? null : explainFailure('webgpu', "Couldn't load Vulkan");
}
