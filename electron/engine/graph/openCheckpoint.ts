import { createHash } from 'node:crypto';
import { realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { StopbathError } from '../../../shared/errors.ts';
import { type CheckpointFacts, type CheckpointProblem, factsOf, problemsOf } from './checkpointFacts.ts';
import { fingerprint, hashFile, type HashOptions } from './checkpointHash.ts';
import type { CheckpointOptions } from './checkpointOptions.ts';
import { type CheckpointChoices, type CheckpointRecord, type FileStamp, readRecord, recordName, stampOf, stateOf } from './checkpointRecord.ts';
import { markUsed, removeOldSets } from './adapterFolders.ts';
import { usualVariant } from './graphVariant.ts';
import { graphVersion, graphWriter } from './graphVersion.ts';
import { type CheckpointSource, readSource } from './readers/source.ts';
import { besideFolder } from './weightLinks.ts';
import { filesOf, writeModelFolder } from './writeModelFolder.ts';

export type { CheckpointAdapters, CheckpointOptions } from './checkpointOptions.ts';

export interface OpenedCheckpoint {
  /** A standard model folder. */
  readonly folder: string;
  readonly facts: CheckpointFacts;
  readonly problems: readonly CheckpointProblem[];
  /** SHA-256 of the file where it is known; see {@link hashCheckpoint}. */
  readonly sha256: string | null;
}

/**
 * Opens a checkpoint as it is: checks it, and writes a standard model folder whose graphs read their weights from the checkpoint's
 * own file by hard link. Less than 5 MB are written, but where a copy of the weights is asked for. A second call for a checkpoint that has not changed looks at it and returns.
 * @param source a .safetensors file, or a folder as diffusers saves it
 * @throws StopbathError `MODEL_NOT_FOUND`, `MODEL_PARTS`, `MODEL_BAD`, `MODEL_UNSUPPORTED`, `MODEL_TOKENIZER`, `NO_PLACE`, `FILE_ACCESS`,
 *   `DISK_FULL`.
 */
export async function openCheckpoint(source: string, options: CheckpointOptions): Promise<OpenedCheckpoint> {
  const path = resolve(source);
  const choices = choicesOf(options);
  const folderName = await nameOf(path, options);
  const beside = besideFolder((await isFolder(path)) ? path : dirname(await realpath(path).catch(() => path)));
  const roots = choices.placement === 'copy' ? [options.store] : [options.store, beside];
  for (const root of roots) {
    const folder = join(root, folderName);
    const record = await readRecord(folder);
    if (record === null || !isEqual(record.choices, choices) || !(await isWhole(folder, record))) continue;
    if (record.adapters !== null) await markUsed(folder);
    return opened(folder, record);
  }
  const read = await readSource(path, { vae: options.vae ?? null, useEma: options.overrides?.useEma ?? false });
  const facts = factsOf({ ...read, overrides: options.overrides ?? {} });
  const record: CheckpointRecord = {
    writer: graphWriter,
    name: facts.name,
    source: path,
    stamps: await stampsOf(read),
    choices,
    adapters: options.adapters?.key ?? null,
    modelHash: createHash('sha256').update(`${graphVersion} ${await fingerprint(read.model)}`).digest('hex'),
    sha256: null,
    copies: {},
    facts: { ...facts, tasks: [...facts.tasks] },
    problems: [...problemsOf(facts, read.model, options.overrides ?? {})],
  };
  const folder = await writeModelFolder(roots, folderName, { read, record, options });
  if (record.adapters !== null) await removeOldSets(folder, record.source);
  return opened(folder, record);
}

function opened(folder: string, { facts, problems, sha256 }: CheckpointRecord): OpenedCheckpoint {
  return { folder, facts, problems, sha256 };
}

/** What of the options changes the files, but not the place they lie in. */
function choicesOf({ overrides = {}, vae = null, tokenizers = {}, placement = 'link' }: CheckpointOptions): CheckpointChoices {
  const { predictionType = null, zeroSnr = null, defaultSize = null, useEma = false } = overrides;
  return { predictionType, zeroSnr, defaultSize, useEma, vae, tokenizer: tokenizers.tokenizer ?? null, tokenizer_2: tokenizers.tokenizer_2 ?? null, placement };
}

function isEqual(a: CheckpointChoices, b: CheckpointChoices): boolean {
  const entries = (choices: CheckpointChoices): string => JSON.stringify(Object.entries(choices).sort());
  return entries(a) === entries(b);
}

const longestName = 60;

/**
 * A folder name that is safe everywhere, tells files of one name apart, and one device's and variant's graphs from another's: those in use stay
 * mapped, and cannot be replaced everywhere.
 */
async function nameOf(path: string, { graph = {}, adapters }: CheckpointOptions): Promise<string> {
  const real = await realpath(path).catch(() => path);
  const { device = 'cpu', variant = usualVariant(device) } = graph;
  const attention = variant.attention === usualVariant(device).attention ? null : variant.attention;
  const key = JSON.stringify([real, device, variant.arithmetic, attention, adapters?.key ?? null]);
  const stem = basename(path, extname(path) === '.safetensors' ? '.safetensors' : '');
  const safe = stem.replace(/[^\p{L}\p{N}._-]+/gu, '_').replace(/^\.+/, '').slice(0, longestName);
  return `${safe}-${createHash('sha256').update(key).digest('hex').slice(0, 8)}`;
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() === true;
}

/** Whether the files are as they were, and the weights beside the graphs are still theirs. */
async function isWhole(folder: string, record: CheckpointRecord): Promise<boolean> {
  if (record.writer !== graphWriter || (await stateOf(record)) !== 'current') return false;
  const identity = async (path: string) => {
    const { dev, ino, size } = await stat(path, { bigint: true });
    return record.choices.placement === 'copy' ? `${size}` : `${dev} ${ino}`;
  };
  try {
    for (const part of ['unet', 'unet_shallow']) await stat(join(folder, part, 'model.onnx'));
    const weights = await identity(join(folder, 'unet', 'weights.safetensors'));
    return (await Promise.all(record.stamps.map(({ path }) => identity(path)))).includes(weights);
  } catch {
    return false;
  }
}

async function stampsOf({ model, configs }: CheckpointSource): Promise<FileStamp[]> {
  const files = filesOf(model);
  const stamps = [...files].map(({ path, size, mtimeMs }) => ({ path, size, mtimeMs }));
  return [...stamps, ...(await Promise.all(configs.map(stampOf)))];
}

/**
 * The SHA-256 of a single-file checkpoint, as A1111 shows it; kept in its folder.
 * @param folder as {@link openCheckpoint} returned it
 * @returns hex; null for a folder of several files
 * @throws StopbathError `MODEL_NOT_FOUND` for a folder that was made from no checkpoint, or whose file is gone or another one.
 */
export async function hashCheckpoint(folder: string, options: HashOptions = {}): Promise<string | null> {
  const record = await readRecord(folder);
  const [stamp] = record?.stamps ?? [];
  if (record === null || stamp === undefined || (await stateOf(record)) !== 'current') {
    throw new StopbathError({ code: 'MODEL_NOT_FOUND', message: `The checkpoint of ${basename(folder)} is gone or has changed.`, nextStep: 'Open it again.' });
  }
  if (record.facts.layout !== 'single-file') return null;
  if (record.sha256 !== null) return record.sha256;
  const sha256 = await hashFile(stamp.path, options);
  const unfinished = join(folder, `.${recordName}.part`);
  await writeFile(unfinished, `${JSON.stringify({ ...record, sha256 }, null, 2)}\n`);
  await rename(unfinished, join(folder, recordName));
  return sha256;
}

/** What a folder of {@link openCheckpoint} is wanted for now. */
export type VariantOptions = Pick<CheckpointOptions, 'vocabulary' | 'graph' | 'adapters'>;

/**
 * Opens the checkpoint a folder was made from once more, with the choices it was made with: the same folder where nothing has changed,
 * made anew where the file or the graphs' version has, another one beside it for another device or variant, or other LoRAs.
 * @param folder as {@link openCheckpoint} returned it
 * @throws StopbathError `MODEL_BAD` for a folder that was made from no checkpoint, and what {@link openCheckpoint} throws.
 */
export async function reopenCheckpoint(folder: string, options: VariantOptions): Promise<OpenedCheckpoint> {
  const record = await readRecord(folder);
  if (record === null) {
    throw new StopbathError({ code: 'MODEL_BAD', message: `${basename(folder)} was made from no checkpoint this version can read.`, nextStep: 'Open the checkpoint again.' });
  }
  const { predictionType, zeroSnr, defaultSize, useEma, vae, tokenizer, tokenizer_2, placement } = record.choices;
  return openCheckpoint(record.source, {
    ...options,
    store: dirname(folder),
    vae,
    placement,
    overrides: {
      useEma,
      ...(predictionType === null ? {} : { predictionType }),
      ...(zeroSnr === null ? {} : { zeroSnr }),
      ...(defaultSize === null ? {} : { defaultSize }),
    },
    tokenizers: { ...(tokenizer === null ? {} : { tokenizer }), ...(tokenizer_2 === null ? {} : { tokenizer_2 }) },
  });
}

/** Removes what {@link openCheckpoint} made of a checkpoint; the checkpoint itself is left alone. A hard link keeps the bytes of a deleted file. */
export async function forgetCheckpoint(folder: string): Promise<void> {
  if ((await stat(join(folder, recordName)).catch(() => null)) === null) return;
  await rm(folder, { recursive: true, force: true });
}
