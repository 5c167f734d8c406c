import type { ProviderId } from '../../../shared/generation.ts';

export interface Reason {
  readonly code: string;
  readonly reason: string;
}

interface Rule {
  readonly pattern: RegExp;
  readonly code: string;
  readonly reason: string;
}

/** Native stderr and JS texts of ONNX Runtime 1.30; the first that fits counts, so the exact ones stand first. `$1`: a match. */
const rules: readonly Rule[] = [
  {
    pattern: /libonnxruntime_providers_(?:shared|cuda)\.so: cannot open/,
    code: 'CUDA_PACK_MISSING',
    reason: 'NVIDIA acceleration is not installed.',
  },
  {
    pattern: /with error: (lib[^:\s]+\.so[.\d]*): cannot open/,
    code: 'CUDA_LIB_MISSING',
    reason: 'NVIDIA library $1 is missing. CUDA 12 and cuDNN 9 are needed (CUDA 13 does not replace them).',
  },
  { pattern: /CUDA failure 35\b/, code: 'CUDA_DRIVER_OLD', reason: 'The NVIDIA driver is too old; update it.' },
  { pattern: /CUDA failure 100\b/, code: 'NO_GPU', reason: 'No NVIDIA GPU was found.' },
  { pattern: /no kernel image/, code: 'UNSUPPORTED_GPU', reason: 'This GPU is not supported.' },
  {
    pattern: /Couldn't load Vulkan/,
    code: 'VULKAN_MISSING',
    reason: 'Install the Vulkan loader (libvulkan1) and a GPU driver.',
  },
  { pattern: /No supported adapters|Failed to get a WebGPU adapter/, code: 'NO_ADAPTER', reason: 'No usable GPU driver was found.' },
  {
    pattern: /requires f16 but the device does not support it/,
    code: 'NO_F16',
    reason: 'This GPU cannot run half-precision models; choose the fp32 model or the CPU.',
  },
  {
    pattern: /failed to allocate|bfc_arena|DXGI_ERROR_DEVICE_REMOVED|out of memory/i,
    code: 'OOM',
    reason: 'Out of memory: choose a smaller size, or close other programs.',
  },
  { pattern: /wrong results for this model/, code: 'EP_WRONG', reason: 'It gives wrong results for this model.' },
  { pattern: /backend not found/, code: 'NOT_IN_BUILD', reason: 'This build of Stopbath does not contain it.' },
];

const cudaUnknown: Reason = { code: 'CUDA_FAILED', reason: 'NVIDIA acceleration could not be started.' };

/** Why a provider cannot be used, from all it said. ANSI colours are dropped first. */
export function explainFailure(provider: ProviderId, text: string): Reason {
  // eslint-disable-next-line no-control-regex -- ONNX Runtime colours its log
  const plain = text.replace(/\u001b\[[0-9;]*m/g, '');
  for (const { pattern, code, reason } of rules) {
    const match = pattern.exec(plain);
    if (match !== null) return { code, reason: reason.replace('$1', match[1] ?? '') };
  }
  return provider === 'cuda' ? cudaUnknown : { code: 'EP_FAILED', reason: `${provider} could not be started on this machine.` };
}
