import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StopbathError } from '../../../shared/errors.ts';
import { sweepUnfinished } from '../../system/unfinishedFolders.ts';
import { clipTextGraph } from './architectures/clipText.ts';
import { unetGraph } from './architectures/unet.ts';
import { vaeDecoderGraph, vaeEncoderGraph } from './architectures/vae.ts';
import type { CheckpointOptions } from './checkpointOptions.ts';
import { type CheckpointRecord, recordName } from './checkpointRecord.ts';
import { checkRoom, findCopies } from './copiedWeights.ts';
import { configFiles } from './folderFiles.ts';
import type { GraphOptions } from './graphOptions.ts';
import type { CheckpointModel, TextPartName } from './readers/checkpointModel.ts';
import { weightsOf } from './readers/namedTensors.ts';
import type { SafetensorsFile } from './readers/safetensors.ts';
import type { CheckpointSource } from './readers/source.ts';
import { writeTokenizers } from './tokenizerFiles.ts';
import { errorCode, LinkNames, NoLinkError, noPlaceError, placeWeights, writeFailure } from './weightLinks.ts';

/** The files the tensors of a model lie in. */
export function filesOf({ unet, text, vae }: CheckpointModel): ReadonlySet<SafetensorsFile> {
  const all = [unet.tensors, vae.tensors, ...text.map(({ tensors }) => tensors)];
  return new Set(all.flatMap((tensors) => [...tensors.values()].map(({ file }) => file)));
}

/** What is written. */
export interface FolderContents {
  readonly read: CheckpointSource;
  readonly record: CheckpointRecord;
  readonly options: CheckpointOptions;
}

/**
 * In the app's store, or where that takes no hard link of the file, beside the file.
 * @throws StopbathError `NO_PLACE` where none of the roots takes links; `DISK_FULL`, `FILE_ACCESS`.
 */
export async function writeModelFolder(roots: readonly string[], name: string, contents: FolderContents): Promise<string> {
  for (const root of roots) {
    try {
      return await writeFolder(root, name, contents);
    } catch (error) {
      if (!(error instanceof NoLinkError)) throw error;
      if (contents.options.placement === 'copy') throw writeFailure(root, error.cause);
    }
  }
  throw await noPlaceError(contents.record.name, contents.options.store, [...filesOf(contents.read.model)]);
}

async function writeFolder(root: string, name: string, contents: FolderContents): Promise<string> {
  const folder = join(root, name);
  const unfinished = join(root, `.${name}.${process.pid}-${randomBytes(4).toString('hex')}.part`);
  try {
    await mkdir(unfinished, { recursive: true });
  } catch (error) {
    if (errorCode(error) === 'ENOSPC') throw writeFailure(unfinished, error);
    throw new NoLinkError(root, { cause: error });
  }
  try {
    await fill(unfinished, join(root, '.clip'), contents);
    await replace(unfinished, folder);
    return folder;
  } catch (error) {
    if (error instanceof NoLinkError || error instanceof StopbathError || errorCode(error) === '') throw error;
    throw writeFailure(folder, error);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

async function fill(folder: string, shared: string, contents: FolderContents): Promise<void> {
  const { read, record, options } = contents;
  const { model, given } = read;
  const own = new Set([...filesOf(model)].map(({ path }) => path));
  /** Where the first copy of a file lies: the other parts, and the other folders of the checkpoint, link to it. */
  const copies = options.placement === 'copy' ? await copiesFor(dirname(folder), contents) : new Map<string, string>();
  const copied: Record<string, string> = {};
  for (const part of graphsOf(model, options)) {
    // First the links: where they cannot be made, nothing else is worth the while.
    for (const [path, link] of part.links.entries()) {
      const target = join(folder, part.name, link);
      const copy = copies.get(path);
      if (copy !== undefined) await placeWeights(copy, target, 'link');
      else if (!own.has(path)) await placeAdapter(path, target);
      else await placeWeights(path, target, options.placement ?? 'link');
      if (options.placement !== 'copy' || !own.has(path)) continue;
      copies.set(path, target);
      copied[path] ??= `${part.name}/${link}`;
    }
    await writeFile(join(folder, part.name, 'model.onnx'), part.graph);
  }
  for (const [name, value] of configFiles(model, record.facts, given)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
  }
  const tokenizers = new Map(read.tokenizers);
  for (const name of ['tokenizer', 'tokenizer_2'] as const) {
    const chosen = options.tokenizers?.[name];
    if (chosen !== undefined) tokenizers.set(name, chosen);
  }
  await writeTokenizers(folder, model.text, model.family, { own: tokenizers, vocabulary: options.vocabulary, shared });
  await writeFile(join(folder, recordName), `${JSON.stringify({ ...record, copies: copied } satisfies CheckpointRecord, null, 2)}\n`);
}

/** The copies there are already. @throws StopbathError `DISK_FULL` where there is no room for the others. */
async function copiesFor(root: string, { read, record }: FolderContents): Promise<Map<string, string>> {
  // Their room is wanted.
  await sweepUnfinished(root);
  const copies = await findCopies(root, record);
  const missing = [...filesOf(read.model)].filter(({ path }) => !copies.has(path));
  await checkRoom(root, record.name, missing.reduce((sum, { size }) => sum + size, 0));
  return copies;
}

/** A LoRA may lie on another disk than the model, and is small beside it. */
async function placeAdapter(path: string, target: string): Promise<void> {
  try {
    await placeWeights(path, target, 'link');
  } catch (error) {
    if (!(error instanceof NoLinkError)) throw error;
    await placeWeights(path, target, 'copy');
  }
}

interface PartGraph {
  readonly name: string;
  readonly graph: Buffer;
  readonly links: LinkNames;
}

function* graphsOf(model: CheckpointModel, { graph = {}, adapters }: CheckpointOptions): Iterable<PartGraph> {
  const withAdapters = (part: 'unet' | TextPartName, links: LinkNames): GraphOptions =>
    adapters === undefined ? graph : { ...graph, adapters: adapters.of(part, model, (file) => links.of(file)) };
  for (const { name, config, tensors } of model.text) {
    const links = new LinkNames();
    yield { name, links, graph: clipTextGraph(config, weightsOf(name, tensors, (file) => links.of(file)), withAdapters(name, links)) };
  }
  const { config, tensors } = model.unet;
  // Every run can be told to use deep features again, also while it goes on.
  for (const [name, part] of [['unet', 'whole-with-features'], ['unet_shallow', 'shallow']] as const) {
    const links = new LinkNames();
    yield { name, links, graph: unetGraph(config, weightsOf('UNet', tensors, (file) => links.of(file)), { ...withAdapters('unet', links), part }) };
  }
  const { vae } = model;
  const halves = [['vae_decoder', vaeDecoderGraph], ...(vae.halves.encoder ? [['vae_encoder', vaeEncoderGraph] as const] : [])] as const;
  for (const [name, build] of halves) {
    const vaeLinks = new LinkNames();
    yield { name, links: vaeLinks, graph: build(vae.config, weightsOf('VAE', vae.tensors, (file) => vaeLinks.of(file)), graph) };
  }
}

/** As often as another process may be quicker. */
const mostTries = 5;

/** Puts the finished folder in the place of an older one, which another process may do at the same time. */
async function replace(unfinished: string, folder: string): Promise<void> {
  for (let time = 1; ; time++) {
    const old = `${unfinished}.old`;
    try {
      await rename(folder, old).catch((error: unknown) => {
        if (errorCode(error) !== 'ENOENT') throw error;
      });
      await rename(unfinished, folder);
      return;
    } catch (error) {
      if (['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(errorCode(error)) && time < mostTries) continue;
      throw new StopbathError(
        { code: 'FILE_ACCESS', message: `${folder} could not be replaced.`, nextStep: 'Close other windows of the app that use the model, and try again.', detail: String(error) },
        { cause: error },
      );
    } finally {
      await rm(old, { recursive: true, force: true });
    }
  }
}
