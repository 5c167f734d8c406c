import type { ProviderId } from './generation.ts';

/** Why a device is not used, and what to do about it. */
export interface DeviceReason {
  /** Stable: the interface has a sentence for each in its own language. */
  readonly code: string;
  readonly reason: string;
  /** Empty where nothing is to be done. */
  readonly remedy: string;
}

interface Rule extends DeviceReason {
  readonly pattern: RegExp;
}

const lessMemory = 'Choose a smaller size, or close other programs that use the graphics memory.';
const updateDriver = 'Update the graphics driver from the maker of the card.';
const reinstallPack = 'Remove the NVIDIA libraries in the Device panel and install them again.';

/**
 * Native stderr and JS texts of ONNX Runtime 1.30 and of the drivers below it; the first that fits counts, so the exact ones
 * stand first. `$1` is the match. The CUDA texts were read off the real provider library with libraries left out one by one
 * and a driver that answers errors; the DirectML, CoreML and WebGPU ones are from reports to their projects.
 */
const rules: readonly Rule[] = [
  {
    pattern: /Couldn't load Vulkan/,
    code: 'VULKAN_MISSING',
    reason: 'The Vulkan loader is missing.',
    remedy: 'Install the Vulkan loader (package libvulkan1 or vulkan-loader) and the driver of your graphics card.',
  },
  {
    pattern: /libonnxruntime_providers_(?:shared|cuda)\.so: cannot open/,
    code: 'CUDA_PACK_MISSING',
    reason: 'NVIDIA acceleration is not installed.',
    remedy: 'Install it in the Device panel (about 200 MB).',
  },
  {
    pattern: /libcuda\.so\.1: cannot open/,
    code: 'CUDA_DRIVER_MISSING',
    reason: 'The NVIDIA driver is not installed.',
    remedy: 'Install the NVIDIA driver of your system, then start it again.',
  },
  {
    pattern: /libcudnn\w*\.so[.\d]*: cannot open|cuDNN is (?:not available|unavailable)|cuDNN library was not found/,
    code: 'CUDNN_MISSING',
    reason: 'cuDNN 9 is missing.',
    remedy: 'Install cuDNN 9 for your CUDA version (package cudnn9-cuda-12 or cudnn9-cuda-13 in the repository of NVIDIA). cuDNN 8 does not replace it.',
  },
  {
    pattern: /(lib[^:\s/]+\.so[.\d]*): cannot open shared object/,
    code: 'CUDA_LIB_MISSING',
    reason: 'NVIDIA library $1 is missing.',
    remedy: 'Install the CUDA version it belongs to: $2. Another major version does not replace it.',
  },
  {
    pattern: /version `(GLIBC\w*_[\d.]+)' not found/,
    code: 'SYSTEM_OLD',
    reason: 'This system is too old for the NVIDIA libraries: $1 is missing.',
    remedy: 'Update the system, or use another device.',
  },
  {
    pattern: /libonnxruntime\S*: (?:invalid ELF header|file too short|undefined symbol|symbol \S+ version|wrong ELF class)|invalid ELF header|file too short/,
    code: 'CUDA_PACK_BROKEN',
    reason: 'The NVIDIA libraries of Stopbath are damaged or of another version.',
    remedy: reinstallPack,
  },
  {
    pattern: /CUDA failure (?:35|803|804|222)\b|driver version is insufficient|unsupported display driver|UnsupportedPtxVersion|unsupported toolchain/,
    code: 'CUDA_DRIVER_OLD',
    reason: 'The NVIDIA driver is too old for these libraries.',
    remedy: 'Update the NVIDIA driver: CUDA 12 needs 525.60 or newer, CUDA 13 needs 580.65 or newer.',
  },
  {
    pattern: /CUDA failure (?:100|101)\b|no CUDA-capable device|invalid device ordinal/,
    code: 'NO_GPU',
    reason: 'No NVIDIA GPU was found.',
    remedy: '',
  },
  {
    pattern: /no kernel image|NoKernelImageForDevice|CUDA failure 209\b/,
    code: 'UNSUPPORTED_GPU',
    reason: 'The NVIDIA libraries do not support this GPU.',
    remedy: 'It is too old or too new for them; use WebGPU or the CPU.',
  },
  {
    pattern: /CUDA failure 46\b|devices are busy or unavailable/,
    code: 'GPU_BUSY',
    reason: 'Another program holds the GPU for itself.',
    remedy: 'End that program, or wait for it.',
  },
  {
    pattern:
      /failed to allocate|bfc_arena|out of memory|OUT_OF_(?:DEVICE|HOST)_MEMORY|CUDA failure 2\b|STATUS_ALLOC_FAILED|E_OUTOFMEMORY|8007000E|WebGPU device error\(2\)|Not enough memory resources|bad_alloc/i,
    code: 'OOM',
    reason: 'Its memory is not enough.',
    remedy: lessMemory,
  },
  {
    pattern: /CUDNN(?:_STATUS_(?:SUBLIBRARY_)?VERSION_MISMATCH|_STATUS_NOT_INITIALIZED| failure)|cuDNN version/i,
    code: 'CUDNN_FAILED',
    reason: 'cuDNN could not be started.',
    remedy: 'Install cuDNN 9 that belongs to your CUDA version, and only that one; then update the driver.',
  },
  {
    pattern: /CUDA failure (?:700|702|716|717|719|999)\b|illegal memory access|unspecified launch failure|fallen off the bus/i,
    code: 'DEVICE_LOST',
    reason: 'The graphics driver gave up the device.',
    remedy: 'Start Stopbath again; if it happens again, update the graphics driver or choose a smaller size.',
  },
  {
    pattern: /DXGI_ERROR_(?:DEVICE_(?:REMOVED|HUNG|RESET)|DRIVER_INTERNAL_ERROR)|887A00(?:05|06|07|20)|device (?:was |is )?lost|VK_ERROR_DEVICE_LOST/i,
    code: 'DEVICE_LOST',
    reason: 'The graphics driver gave up the device.',
    remedy: 'Start Stopbath again; if it happens again, update the graphics driver or choose a smaller size.',
  },
  {
    pattern: /887A0004|feature level is not supported/i,
    code: 'DML_UNSUPPORTED',
    reason: 'This graphics card has no DirectX 12.',
    remedy: updateDriver,
  },
  {
    pattern: /(DirectML\.dll|dxcompiler\.dll|dxil\.dll)|error 126|specified module could not be found/i,
    code: 'DLL_MISSING',
    reason: 'A file of Stopbath is missing: a library for graphics cards.',
    remedy: 'Install Stopbath again.',
  },
  {
    pattern: /Error compiling model|building plan|Failed to (?:build|create) (?:the )?(?:model execution plan|MLModel)|compiler error/i,
    code: 'COREML_COMPILE',
    reason: 'Core ML could not translate it.',
    remedy: 'Use WebGPU or the CPU.',
  },
  {
    pattern: /Error executing model|Unable to compute the prediction/i,
    code: 'COREML_RUN',
    reason: 'Core ML could not run it.',
    remedy: 'Use WebGPU or the CPU.',
  },
  {
    pattern: /Vulkan \S+ required|requires? Vulkan \d/,
    code: 'VULKAN_OLD',
    reason: 'The Vulkan driver lacks what WebGPU needs.',
    remedy: updateDriver,
  },
  {
    pattern: /No supported adapters|Failed to get a WebGPU adapter/,
    code: 'NO_ADAPTER',
    reason: 'No usable graphics driver was found.',
    remedy: 'Install the driver of your graphics card.',
  },
  {
    pattern: /requires f16 but the device does not support it|shader-f16|'f16' (?:type|extension)/,
    code: 'NO_F16',
    reason: 'This GPU cannot run half-precision models.',
    remedy: 'Choose the fp32 variant of the model, or the CPU.',
  },
  {
    pattern: /max(?:Storage)?Buffer(?:BindingSize|Size)|exceeds the max (?:buffer|storage)|larger than the max/i,
    code: 'GPU_LIMIT',
    reason: 'A part of the model is larger than a buffer of this GPU may be.',
    remedy: 'Choose a smaller size or a smaller model, or the CPU.',
  },
  {
    pattern: /ShaderModule|shader compil|Tint WGSL|CreateComputePipeline|DXC/i,
    code: 'SHADER_FAILED',
    reason: 'The graphics driver could not compile a part of it.',
    remedy: updateDriver,
  },
  {
    pattern: /wrong results for this model/,
    code: 'EP_WRONG',
    reason: 'It gives wrong results for this model.',
    remedy: updateDriver,
  },
  {
    pattern: /backend not found/,
    code: 'NOT_IN_BUILD',
    reason: 'This build of Stopbath does not contain it.',
    remedy: '',
  },
];

/** What a probe or a self-test may find beside what the runtime says. */
export const deviceReasons = {
  wrong: { code: 'EP_WRONG', reason: 'It gave wrong results.', remedy: updateDriver },
  nan: { code: 'EP_NAN', reason: 'It gave values that are no numbers.', remedy: updateDriver },
  slow: { code: 'EP_SLOW', reason: 'It is slower than the CPU.', remedy: '' },
  crashed: { code: 'EP_CRASH', reason: 'Its driver crashed when it was tried.', remedy: updateDriver },
  notTried: { code: 'NOT_TRIED', reason: 'It is tried only when chosen in the settings.', remedy: 'Run its self-test in the Device panel.' },
  notHere: { code: 'NOT_ON_THIS_PLATFORM', reason: 'It does not exist on this system.', remedy: '' },
  packAfterRestart: { code: 'CUDA_PACK_RESTART', reason: 'NVIDIA acceleration was installed while the engine ran.', remedy: 'Start Stopbath again.' },
} as const satisfies Readonly<Record<string, DeviceReason>>;

export function hangsReason(seconds: number): DeviceReason {
  return { code: 'EP_HANGS', reason: `It did not answer in ${seconds} s.`, remedy: 'Start the computer again, or update the graphics driver.' };
}

const cudaUnknown: DeviceReason = {
  code: 'CUDA_FAILED',
  reason: 'NVIDIA acceleration could not be started.',
  remedy: 'Look at the checks in the Device panel.',
};

const unknown = (provider: ProviderId): DeviceReason => ({
  code: 'EP_FAILED',
  reason: `${provider} could not be started on this machine.`,
  remedy: updateDriver,
});

/** Every code a reason can have: the interface has a sentence for each in its other languages. */
export const deviceReasonCodes: readonly string[] = [
  ...new Set([...rules, ...Object.values(deviceReasons), hangsReason(0), cudaUnknown, unknown('cpu')].map(({ code }) => code)),
];

/** Why a provider cannot be used, from all it said. ANSI colours are dropped first. */
export function explainFailure(provider: ProviderId, text: string): DeviceReason {
  // eslint-disable-next-line no-control-regex -- ONNX Runtime colours its log
  const plain = text.replace(/\u001b\[[0-9;]*m/g, '');
  for (const { pattern, code, reason, remedy } of rules) {
    const match = pattern.exec(plain);
    if (match === null) continue;
    const found = match[1] ?? '';
    return { code, reason: reason.replace('$1', found), remedy: remedy.replace('$2', cudaOf(found)) };
  }
  return provider === 'cuda' ? cudaUnknown : unknown(provider);
}

/** The CUDA major version a library belongs to: cuFFT counts one below it, the others as it does. */
function cudaOf(library: string): string {
  const [, name, major] = /^lib(\w+)\.so\.(\d+)/.exec(library) ?? [];
  if (name === undefined || major === undefined) return 'CUDA 12';
  if (name === 'cufft') return `CUDA ${Number(major) + 1}`;
  return /^(?:cudart|cublas|cublasLt|nvrtc|nvJitLink|cusparse)$/.test(name) && Number(major) >= 11 ? `CUDA ${major}` : 'the one of the other CUDA libraries';
}
