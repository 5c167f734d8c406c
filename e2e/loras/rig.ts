import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { GenerateCommand } from '../../electron/engine/generation.ts';
import { openCheckpoint } from '../../electron/engine/graph/openCheckpoint.ts';
import { checkpointsOf, createRig, ofKind, type Rig } from '../../electron/engine/testing/engineRig.ts';
import type { AdapterRef, Checkpoint, EngineMessage } from '../../shared/engineProtocol.ts';
import { StopbathError } from '../../shared/errors.ts';
import { type GenerationRequest, type GenerationRequestInput, parseGenerationRequest } from '../../shared/generation.ts';
import { clipMerges, writeSingle, writeTokenizers } from '../checkpoints/fixtures.ts';
import { layoutsOf, type LoraVariant, writeLora } from './fixtures.ts';

/** A small checkpoint and its LoRAs on the disk. */
export interface LoraModel {
  readonly place: string;
  /** The model folder. */
  readonly folder: string;
  /** By layout. */
  readonly loras: Readonly<Record<string, AdapterRef>>;
  remove(): Promise<void>;
}

export async function makeLoraModel(variant: LoraVariant): Promise<LoraModel> {
  const place = await mkdtemp(path.join(tmpdir(), 'stopbath-loras-'));
  const tokenizers = await writeTokenizers(variant, path.join(place, 'tokenizers'));
  const { folder } = await openCheckpoint(await writeSingle(variant, place), { store: path.join(place, 'store'), vocabulary: clipMerges, tokenizers });
  const loras: Record<string, AdapterRef> = {};
  for (const layout of layoutsOf(variant)) loras[layout] = { name: layout, file: await writeLora(variant, layout, place) };
  return { place, folder, loras, remove: () => rm(place, { recursive: true, force: true }) };
}

/** The call of make_goldens.py. */
export function callOf(change: Partial<GenerationRequestInput> = {}): GenerationRequest {
  return parseGenerationRequest({
    task: 'text-to-image',
    modelId: 'tiny',
    prompt: 'a red house under a night sky with a moon',
    negativePrompt: 'a yellow house',
    width: 64,
    height: 64,
    steps: 4,
    guidanceScale: 5,
    guidanceEnd: { kind: 'never' },
    scheduler: 'euler',
    batchSeeds: 'shared',
    seed: '7',
    ...change,
  });
}

/** A run's checkpoints, the last first of interest; @throws StopbathError of the run */
export async function runOf(rig: Pick<Rig, 'generate'>, change: Partial<GenerateCommand>): Promise<{ readonly checkpoints: readonly Checkpoint[]; readonly messages: readonly EngineMessage[] }> {
  const messages = await rig.generate(change);
  const failure = ofKind(messages, 'failed')[0]?.failure;
  if (failure !== undefined) throw new StopbathError(failure);
  return { checkpoints: checkpointsOf(messages), messages };
}

/** The latents after the last step, with LoRAs by name. */
export async function drawn(model: LoraModel, request: GenerationRequest, names: readonly string[], rig: Rig = createRig(model.folder)): Promise<Float32Array> {
  const loras = names.map((name) => model.loras[name] ?? { name, file: name });
  const { checkpoints } = await runOf(rig, { request, loras });
  return checkpoints.at(-1)?.latents.data ?? new Float32Array();
}
