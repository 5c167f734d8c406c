import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { float32ToFloat16 } from '../../electron/engine/tensor/float16.ts';
import { type TensorToWrite, writeSafetensors } from '../checkpoints/writeSafetensors.ts';

/** Checkpoints of ../checkpoints that there are LoRAs for. */
export const loraVariants = ['sd1', 'sdxl'] as const;
export type LoraVariant = (typeof loraVariants)[number];

/** A tensor; an alpha has its value. */
type Entry = readonly [name: string, type: string, shape: readonly number[], value?: number];

interface Manifest {
  readonly tensors: readonly Entry[];
  readonly metadata: Readonly<Record<string, string>>;
}

interface GoldenFile {
  /** 0-based step at whose end the live ones change. */
  readonly liveStep: number;
  readonly curve: readonly (readonly [at: number, strength: number])[];
  readonly goldens: Readonly<Record<LoraVariant, Readonly<Record<string, { readonly base64: string }>>>>;
}

const folder = fileURLToPath(new URL('.', import.meta.url));
const manifests = JSON.parse(gunzipSync(readFileSync(path.join(folder, 'manifests.json.gz'))).toString()) as Record<LoraVariant, Record<string, Manifest>>;

export const goldenFile = JSON.parse(readFileSync(path.join(folder, 'goldens.json'), 'utf8')) as GoldenFile;

/** Layouts of the LoRAs of a variant; see make_goldens.py. */
export function layoutsOf(variant: LoraVariant): string[] {
  return Object.keys(manifests[variant]);
}

/** What diffusers drew: the latents after the last step. */
export function goldenLatents(variant: LoraVariant, name: string): Float32Array {
  const golden = goldenFile.goldens[variant][name];
  if (golden === undefined) throw new Error(`There is no golden ${name}.`);
  return new Float32Array(Uint8Array.from(Buffer.from(golden.base64, 'base64')).buffer);
}

export function loraTensors(variant: LoraVariant, layout: string): TensorToWrite[] {
  return (manifests[variant][layout]?.tensors ?? []).map(([name, type, shape, value]) => ({ name, type, shape, ...(value === undefined ? {} : { bytes: scalar(value) }) }));
}

/** float16. */
function scalar(value: number): Uint8Array {
  return new Uint8Array(float32ToFloat16(Float32Array.of(value)).buffer);
}

/** Writes a LoRA. @returns its path */
export async function writeLora(variant: LoraVariant, layout: string, place: string, change: (tensors: TensorToWrite[]) => TensorToWrite[] = (tensors) => tensors): Promise<string> {
  const file = path.join(place, `${variant}-${layout}.safetensors`);
  await writeSafetensors(file, change(loraTensors(variant, layout)), manifests[variant][layout]?.metadata);
  return file;
}
