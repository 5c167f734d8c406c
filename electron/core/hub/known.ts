import type { KnownRepo } from '../../../shared/models.ts';

const GB = 1_000_000_000;

/**
 * Public repositories to begin with. Bytes and memory are approximate, of the variant in half precision where there is
 * one; the true ones are read from the hub before anything is fetched.
 */
export const knownRepos: readonly KnownRepo[] = [
  {
    repo: 'onnx-community/stable-diffusion-v1-5-ONNX',
    title: 'Stable Diffusion 1.5 (ONNX)',
    description: 'The classic at 512 × 512, as ONNX graphs in full precision. Runs on every device.',
    family: 'sd',
    license: 'creativeml-openrail-m',
    bytes: 4.3 * GB,
    memoryBytes: 5.6 * GB,
  },
  {
    repo: 'stable-diffusion-v1-5/stable-diffusion-v1-5',
    title: 'Stable Diffusion 1.5 (safetensors)',
    description: 'The classic at 512 × 512 in half precision; takes LoRAs.',
    family: 'sd',
    license: 'creativeml-openrail-m',
    bytes: 2.1 * GB,
    memoryBytes: 3.1 * GB,
  },
  {
    repo: 'SimianLuo/LCM_Dreamshaper_v7',
    title: 'LCM Dreamshaper 7',
    description: 'A latent consistency model: 4 to 8 steps, 512 to 768 pixels.',
    family: 'sd',
    license: 'mit',
    bytes: 4.3 * GB,
    memoryBytes: 5.6 * GB,
  },
  {
    repo: 'stabilityai/sd-turbo',
    title: 'SD Turbo',
    description: 'One to four steps at 512 × 512, without guidance. Its licence limits commercial use.',
    family: 'sd',
    license: 'stabilityai community',
    bytes: 2.6 * GB,
    memoryBytes: 3.7 * GB,
  },
  {
    repo: 'stabilityai/stable-diffusion-xl-base-1.0',
    title: 'Stable Diffusion XL 1.0',
    description: '1024 × 1024 with two text encoders. Choose half precision unless you have the memory for twice of it.',
    family: 'sdxl',
    license: 'openrail++',
    bytes: 6.9 * GB,
    memoryBytes: 8.9 * GB,
  },
  {
    repo: 'stabilityai/sdxl-turbo',
    title: 'SDXL Turbo',
    description: 'One to four steps at 512 × 512, without guidance. Its licence limits commercial use.',
    family: 'sdxl',
    license: 'stabilityai community',
    bytes: 6.9 * GB,
    memoryBytes: 8.9 * GB,
  },
  {
    repo: 'onnxruntime/sd-turbo',
    title: 'SD Turbo (ONNX, NVIDIA only)',
    description: 'Graphs fused for NVIDIA cards in half precision: they run with the CUDA libraries only.',
    family: 'sd',
    license: 'stabilityai community',
    bytes: 2.6 * GB,
    memoryBytes: 3.7 * GB,
  },
];
