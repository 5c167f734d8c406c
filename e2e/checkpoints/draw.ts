import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkpointsOf, createRig, ofKind } from '../../electron/engine/testing/engineRig.ts';
import { decodeImage, decodeMask } from '../../electron/media/decode.ts';
import type { RunInputs } from '../../shared/engineProtocol.ts';
import { StopbathError } from '../../shared/errors.ts';
import { parseGenerationRequest, type Task } from '../../shared/generation.ts';
import type { CheckpointVariant, Golden } from './fixtures.ts';

const pictures = fileURLToPath(new URL('../fixtures/tiny/pictures/', import.meta.url));
const read = (name: string): Buffer => readFileSync(path.join(pictures, `${name}.png`));

const tasks: Readonly<Partial<Record<CheckpointVariant, Task>>> = { 'sd1-inpaint': 'inpaint', 'sdxl-refiner': 'image-to-image' };

/** The call of make_fixtures.py on our engine, with the model of a folder. */
export async function draw(folder: string, variant: CheckpointVariant): Promise<Golden> {
  const task = tasks[variant] ?? 'text-to-image';
  const inputs: RunInputs | null = task === 'text-to-image' ? null : { image: decodeImage(read('init'), 'image'), mask: task === 'inpaint' ? decodeMask(read('mask'), 'mask') : null };
  const named = { id: 'a'.repeat(64), width: 64, height: 64 };
  const request = parseGenerationRequest({
    task,
    modelId: variant,
    prompt: 'a red house under a night sky with a moon',
    negativePrompt: 'a yellow house',
    promptSyntax: 'plain',
    width: 64,
    height: 64,
    steps: 4,
    guidanceScale: 5,
    guidanceEnd: { kind: 'never' },
    scheduler: 'euler',
    batchSeeds: 'shared',
    seed: '7',
    keepUnmasked: false,
    ...(inputs === null ? {} : { image: named, strength: task === 'inpaint' ? 1 : 0.8 }),
    ...(task === 'inpaint' ? { mask: { ...named, id: 'b'.repeat(64) } } : {}),
  });
  const messages = await createRig(folder).generate({ request, inputs });
  const failure = ofKind(messages, 'failed')[0]?.failure;
  if (failure !== undefined) throw new StopbathError(failure);
  return {
    latents: checkpointsOf(messages).at(-1)?.latents.data ?? new Float32Array(),
    picture: ofKind(messages, 'finished')[0]?.images[0]?.rgb ?? new Uint8Array(),
  };
}

/** Largest difference over the largest value. */
export function relative(ours: Float32Array, theirs: Float32Array): number {
  if (ours.length !== theirs.length) return Infinity;
  const largest = theirs.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
  const apart = theirs.reduce((most, value, index) => Math.max(most, Math.abs(value - (ours[index] ?? Number.NaN))), 0);
  return Number.isNaN(apart) ? Infinity : apart / largest;
}

/** Share of bytes that are at most one apart. */
export function nearBytes(ours: Uint8Array, theirs: Uint8Array): number {
  return theirs.reduce((count, value, index) => count + (Math.abs(value - (ours[index] ?? -9)) <= 1 ? 1 : 0), 0) / theirs.length;
}
