import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { tasks } from '../../../shared/generation.ts';
import { checkpointFamilies } from './readers/checkpointModel.ts';
import { checkpointPredictions } from './readers/prediction.ts';

const recognised = <Schema extends z.ZodType>(value: Schema) => z.object({ value, certain: z.boolean() });
const size = z.object({ width: z.int().positive(), height: z.int().positive() });

const factsSchema = z.object({
  name: z.string(),
  layout: z.enum(['single-file', 'diffusers-folder']),
  family: z.enum(checkpointFamilies),
  tasks: z.array(z.enum(tasks)),
  predictionType: recognised(z.enum(checkpointPredictions)),
  zeroSnr: recognised(z.boolean()),
  defaultSize: recognised(size),
  hasGuidanceEmbedding: z.boolean(),
  hasEma: z.boolean(),
  unetTypes: z.partialRecord(z.enum(['F32', 'F16', 'BF16']), z.int()),
  weightBytes: z.int(),
});

const stampSchema = z.object({ path: z.string(), size: z.int(), mtimeMs: z.number() });

/** A file as it was when the graphs were written. */
export type FileStamp = z.infer<typeof stampSchema>;

const choicesSchema = z.object({
  predictionType: z.enum(checkpointPredictions).nullable(),
  zeroSnr: z.boolean().nullable(),
  defaultSize: size.nullable(),
  useEma: z.boolean(),
  vae: z.string().nullable(),
  tokenizer: z.string().nullable(),
  tokenizer_2: z.string().nullable(),
  placement: z.enum(['link', 'copy']),
});

/** What was asked for beside the source. */
export type CheckpointChoices = z.infer<typeof choicesSchema>;

const recordSchema = z.object({
  /** See graphVersion.ts. */
  writer: z.string(),
  /** Shown as the model's name. */
  name: z.string(),
  /** The file or folder that was opened. */
  source: z.string(),
  /** Everything that was read. */
  stamps: z.array(stampSchema).min(1),
  choices: choicesSchema,
  /** Key of the LoRAs built in; null: none. */
  adapters: z.string().nullable(),
  /** Tells the weights and the version of the graphs apart: what a run's `modelHash` is. */
  modelHash: z.string(),
  /** Of a single file, hex; null until it has been asked for. */
  sha256: z.string().nullable(),
  /** Of weights that were copied: path of every file, and its copy's name in the folder. */
  copies: z.record(z.string(), z.string()).default({}),
  facts: factsSchema,
  problems: z.array(z.object({ kind: z.enum(['prediction-guessed', 'no-encoder', 'ema-not-used']), message: z.string() })),
});

/** checkpoint.json of a folder that was made from a checkpoint. */
export type CheckpointRecord = z.infer<typeof recordSchema>;

export const recordName = 'checkpoint.json';

/** @returns null for a folder without one, or with one this version cannot read */
export async function readRecord(folder: string): Promise<CheckpointRecord | null> {
  try {
    return recordSchema.parse(JSON.parse(await readFile(join(folder, recordName), 'utf8')));
  } catch {
    return null;
  }
}

/** @throws what `stat` throws for a file that is gone */
export async function stampOf(path: string): Promise<FileStamp> {
  const { size: bytes, mtimeMs } = await stat(path);
  return { path, size: bytes, mtimeMs };
}

export type CheckpointState =
  /** As when the graphs were written. */
  | 'current'
  /** A file is another one now: the graphs would read wrong places. */
  | 'changed'
  /** A file is gone from its place. */
  | 'missing';

/** Looks at the files a record was made from; nothing is read. */
export async function stateOf({ stamps }: CheckpointRecord): Promise<CheckpointState> {
  for (const stamp of stamps) {
    const now = await stampOf(stamp.path).catch(() => null);
    if (now === null) return 'missing';
    if (now.size !== stamp.size || now.mtimeMs !== stamp.mtimeMs) return 'changed';
  }
  return 'current';
}
