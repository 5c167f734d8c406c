import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Task } from '../../../shared/generation.ts';
import type { SchedulerId } from '../../../shared/samplers.ts';
import { tinyFixtures, type TinyVariant } from './folder.ts';

/** Where a tensor lies in tensors.bin.gz. */
export interface TensorRef {
  /** Byte offset. */
  readonly at: number;
  readonly dims: readonly number[];
  readonly type: 'f32' | 'u8';
}

/** Height, width; or top, left. */
type Pair = readonly [number, number];

/** Arguments of the diffusers call, see cases.py. */
export interface GoldenArguments {
  readonly prompt: string | readonly string[];
  readonly negative_prompt: string | readonly string[] | null;
  readonly num_inference_steps: number;
  readonly guidance_scale: number;
  readonly seed: number | readonly number[];
  readonly size?: Pair;
  readonly prompt_2?: string;
  readonly negative_prompt_2?: string;
  readonly num_images_per_prompt?: number;
  readonly eta?: number;
  readonly clip_skip?: number;
  readonly guidance_rescale?: number;
  readonly timesteps?: readonly number[];
  readonly sigmas?: readonly number[];
  readonly denoising_start?: number;
  readonly denoising_end?: number;
  readonly original_size?: Pair;
  readonly crops_coords_top_left?: Pair;
  readonly target_size?: Pair;
  readonly negative_original_size?: Pair;
  readonly negative_crops_coords_top_left?: Pair;
  readonly negative_target_size?: Pair;
  readonly aesthetic_score?: number;
  readonly negative_aesthetic_score?: number;
  readonly image?: string;
  readonly mask_image?: string;
  readonly strength?: number;
  readonly padding_mask_crop?: number;
}

/** What the step-end callback does. */
export type GoldenAction =
  | { readonly kind: 'cutoff'; readonly ratio: number; readonly official: boolean }
  | { readonly kind: 'interrupt'; readonly step: number }
  | { readonly kind: 'prompt'; readonly step: number; readonly prompt: string }
  | { readonly kind: 'guidance'; readonly step: number; readonly scale: number }
  | { readonly kind: 'latents'; readonly steps: readonly number[]; readonly factor: number };

export interface GoldenTensor {
  readonly dtype: string;
  /** One a step, or one alone that holds for all. */
  readonly values: readonly TensorRef[];
}

export interface GoldenCase {
  readonly name: string;
  readonly variant: TinyVariant;
  readonly task: Task;
  readonly scheduler: { readonly id: SchedulerId; readonly class: string; readonly config: Readonly<Record<string, unknown>> };
  readonly args: GoldenArguments;
  readonly action?: GoldenAction;
  readonly note?: string;
  /** Of the pipeline, in diffusers. */
  readonly class: string;
  readonly numTimesteps: number;
  /** Of the UNet calls that were made. */
  readonly timesteps: readonly number[];
  readonly timestepDtype: 'int64' | 'float32';
  /** Rows of every UNet call. */
  readonly unetBatches: readonly number[];
  /** What was decoded. */
  readonly final: TensorRef;
  /** The scheduler's whole list, one longer than its timesteps. */
  readonly sigmas?: readonly number[];
  /** `timestep_cond` of a UNet that is told its guidance scale. */
  readonly guidanceEmbedding?: TensorRef;
  /** In the order the callback was given them; null where diffusers gives None. */
  readonly callback?: Readonly<Record<string, GoldenTensor | null>>;
  /** RGB of the batch's last picture, [height, width, 3]. */
  readonly lastPicture?: TensorRef;
}

const folder = path.join(tinyFixtures, 'goldens');

export const goldenCases: readonly GoldenCase[] = (
  JSON.parse(readFileSync(path.join(folder, 'cases.json'), 'utf8')) as { cases: GoldenCase[] }
).cases;

let bytes: Buffer | null = null;

function slice({ at, dims, type }: TensorRef): ArrayBuffer {
  bytes ??= gunzipSync(readFileSync(path.join(folder, 'tensors.bin.gz')));
  const length = dims.reduce((count, side) => count * side, type === 'f32' ? 4 : 1);
  return Uint8Array.from(bytes.subarray(at, at + length)).buffer;
}

export function goldenFloats(ref: TensorRef): Float32Array {
  return new Float32Array(slice(ref));
}

export function goldenBytes(ref: TensorRef): Uint8Array {
  return new Uint8Array(slice(ref));
}
