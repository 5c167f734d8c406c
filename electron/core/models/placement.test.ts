import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { clipMerges, singleTensors } from '../../../e2e/checkpoints/fixtures.ts';
import { writeSparse } from '../../../e2e/checkpoints/writeSafetensors.ts';
import { tinyModelFolder } from '../../../e2e/parity/tiny/folder.ts';
import { defaultSettings } from '../../../shared/contract.ts';
import { StopbathError } from '../../../shared/errors.ts';
import type { Model } from '../../../shared/models.ts';
import { reopenCheckpoint } from '../../engine/graph/openCheckpoint.ts';
import { answerQuestion } from '../../engine/questions.ts';
import type { CheckpointQuestion } from '../engineTask.ts';
import { writeFileAtomic } from '../files.ts';
import type { ModelLibrary, ModelLibraryOptions } from './libraryTypes.ts';
import { openModelLibrary } from './modelLibrary.ts';

/** The app's folder is on one disk, the checkpoints on another: only Linux has a second one everywhere. */
const otherDisk = '/dev/shm';
const hasTwoDisks = process.platform === 'linux' && statSync(otherDisk, { throwIfNoEntry: false })?.dev !== statSync(tmpdir()).dev;

const starterFolder = fileURLToPath(new URL('../../../assets/starter', import.meta.url));
let data: string;
let store: string;
let disk: string;
let file: string;
let inUse: boolean;
let asked: CheckpointQuestion[];
const libraries: ModelLibrary[] = [];

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'stopbath-placement-'));
  store = join(data, 'checkpoints');
  disk = await mkdtemp(join(hasTwoDisks ? otherDisk : tmpdir(), 'stopbath-placement-'));
  file = await writeCheckpoint(join(disk, 'ink.safetensors'));
  inUse = false;
  asked = [];
});
afterEach(async () => {
  for (const library of libraries.splice(0)) await library.close();
  for (const folder of [data, disk]) await rm(folder, { recursive: true, force: true });
});

/** A Stable Diffusion 1 of zeros with CLIP's vocabulary. @param moreBytes that are of no use to it */
function writeCheckpoint(path: string, moreBytes = 0): Promise<string> {
  const tensors = singleTensors('sd1').map((tensor) => (tensor.name.endsWith('token_embedding.weight') ? { ...tensor, shape: [49_408, ...tensor.shape.slice(1)] } : tensor));
  return writeSparse(path, [...tensors, ...(moreBytes === 0 ? [] : [{ name: 'of.no.use', type: 'F32', shape: [moreBytes / 4] }])]);
}

/** As the engine does, without its process. */
async function openCheckpoint(question: CheckpointQuestion): ReturnType<ModelLibraryOptions['engine']['openCheckpoint']> {
  asked.push(question);
  const answer = await answerQuestion({ kind: 'open-checkpoint', requestId: 'one', ...question }, undefined as never);
  if (answer.kind === 'question-failed') throw new StopbathError(answer.failure);
  if (answer.kind !== 'checkpoint-opened') throw new Error(answer.kind);
  return answer.opened;
}

async function openLibrary(engine: Partial<ModelLibraryOptions['engine']> = {}): Promise<ModelLibrary> {
  const library = await openModelLibrary({
    ...{ starterFolder, dataFolder: data, write: writeFileAtomic },
    engine: {
      openCheckpoint,
      examine: () => Promise.reject(new Error('not here')),
      status: () => ({ state: 'ready', generation: 1, provider: 'cpu', rungs: [], failure: null }),
      ...engine,
    },
    settings: () => defaultSettings,
    own: { list: () => Promise.resolve([]), remove: () => Promise.resolve(0) },
    adapters: () => Promise.resolve({ loras: [], embeddings: [] }),
    isInUse: () => inUse,
    onChange: () => undefined,
    onReport: () => undefined,
    onNotice: (failure) => expect.unreachable(failure.message),
  });
  libraries.push(library);
  return library;
}

const modelOf = (library: ModelLibrary, id: string): Model => library.get(id).model;
const weightsOf = (folder: string): string => join(folder, 'unet', 'weights.safetensors');
const shown = async (folder: string): Promise<string[]> => (await readdir(folder)).filter((name) => !name.startsWith('.'));
const inode = async (path: string): Promise<number> => (await stat(path)).ino;

/** What keeps a hidden folder from being made: as on a disk that cannot be written to. */
const forbidBeside = (): Promise<void> => writeFile(join(disk, '.stopbath'), '');

it('where the store takes links, nothing is asked and nothing is copied', async () => {
  const near = await writeCheckpoint(join(data, 'near.safetensors'));
  const library = await openLibrary();
  const id = await library.addPath(near, 'checkpoint');
  expect(modelOf(library, id)).toMatchObject({ graphs: 'store', problem: null });
  expect(asked).toEqual([{ path: near, store, overrides: {} }]);
  expect(await inode(weightsOf(library.get(id).folder))).toBe(await inode(near));
});

it('only a checkpoint can be copied', async () => {
  const folder = await tinyModelFolder('sd');
  const library = await openLibrary();
  await expect(library.addPath(folder, 'onnx', 'copy')).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'placement' });
  const id = await library.addPath(folder, 'onnx');
  expect(modelOf(library, id).graphs).toBeNull();
  await expect(library.edit({ id, placement: 'copy' })).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'placement' });
  await rm(folder, { recursive: true });
});

describe.skipIf(!hasTwoDisks)('a checkpoint on another disk', () => {
  it('has its graphs beside it, and is copied when the person wants it; what was beside it goes', async () => {
    const library = await openLibrary();
    const id = await library.addPath(file, 'checkpoint');
    expect(modelOf(library, id)).toMatchObject({ graphs: 'beside', problem: null });
    expect(await inode(weightsOf(library.get(id).folder))).toBe(await inode(file));

    inUse = true;
    await expect(library.edit({ id, placement: 'copy' })).rejects.toMatchObject({ code: 'INVALID_INPUT', message: 'A run uses ink, or waits for it.' });
    expect(modelOf(library, id).graphs).toBe('beside');
    inUse = false;
    expect(await library.edit({ id, placement: 'copy' })).toMatchObject({ graphs: 'copied', path: file });
    const { folder } = library.get(id);
    expect((await readFile(weightsOf(folder))).equals(await readFile(file))).toBe(true);
    await vi.waitFor(async () => expect(await readdir(disk)).toEqual(['ink.safetensors']), 10_000);

    // Known when the app starts again, and not read again.
    const questions = asked.length;
    const again = await openLibrary();
    await again.refresh();
    expect(modelOf(again, id)).toMatchObject({ graphs: 'copied', problem: null });
    expect(asked).toHaveLength(questions);
    expect(await again.remove(id)).toBeGreaterThan((await stat(file)).size);
    expect(await shown(store)).toEqual([]);
  });

  it('keeps what is beside it until it has been examined there', async () => {
    const { promise, resolve: examined } = Promise.withResolvers<never>();
    const library = await openLibrary({ examine: () => promise });
    const id = await library.addPath(file, 'checkpoint');
    const { folder } = library.get(id);
    await library.edit({ id, placement: 'copy' });
    await library.edit({ id, name: 'Ink' });
    await access(weightsOf(folder));
    examined({ provider: 'cpu', usable: true, findings: [] } as never);
    await vi.waitFor(() => expect(access(folder)).rejects.toMatchObject({ code: 'ENOENT' }), 10_000);
    expect(library.get(id).model).toMatchObject({ name: 'Ink', graphs: 'copied' });
  });

  it('is copied once: another word said of it, and its other forms, take the copy there is', async () => {
    const library = await openLibrary();
    const id = await library.addPath(file, 'checkpoint', 'copy');
    const { folder } = library.get(id);
    const copy = await inode(weightsOf(folder));
    for (const part of ['text_encoder', 'unet_shallow', 'vae_decoder']) expect(await inode(join(folder, part, 'weights.safetensors'))).toBe(copy);
    await library.edit({ id, predictionType: 'v_prediction' });
    expect(await inode(weightsOf(library.get(id).folder))).toBe(copy);
    const other = await reopenCheckpoint(folder, { vocabulary: clipMerges, graph: { device: 'webgpu' } });
    expect(other.folder).not.toBe(folder);
    expect(await inode(weightsOf(other.folder))).toBe(copy);

    // Another file in its place is another copy.
    await rm(file);
    await writeCheckpoint(file, 4096);
    await library.use({ modelId: id } as Parameters<ModelLibrary['use']>[0]);
    expect(await inode(weightsOf(folder))).not.toBe(copy);
    expect((await stat(weightsOf(folder))).size).toBe((await stat(file)).size);
  });

  it('whose folder takes nothing is refused by a code of its own, and taken as a copy', async () => {
    await forbidBeside();
    const library = await openLibrary();
    await expect(library.addPath(file, 'checkpoint')).rejects.toMatchObject({ code: 'NO_PLACE', nextStep: expect.stringContaining('let it be copied') as string });
    expect(library.list()).toHaveLength(1);
    expect(await readdir(store)).toEqual([]);
    const id = await library.addPath(file, 'checkpoint', 'copy');
    expect(modelOf(library, id)).toMatchObject({ graphs: 'copied', problem: null });
    // A model that is there is not turned back by being added again.
    expect(await library.addPath(file, 'checkpoint')).toBe(id);
    expect(modelOf(library, id).graphs).toBe('copied');
  });

  it('that is there already becomes a copy when it is added as one', async () => {
    const library = await openLibrary();
    const id = await library.addPath(file, 'checkpoint');
    expect(await library.addPath(file, 'checkpoint', 'copy')).toBe(id);
    expect(modelOf(library, id).graphs).toBe('copied');
  });

  it('that has no room is refused before a byte is written', async () => {
    const library = await openLibrary();
    const large = await writeCheckpoint(join(disk, 'large.safetensors'), 2 ** 46);
    await expect(library.addPath(large, 'checkpoint', 'copy')).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringMatching(/^A copy of large takes 70368\.\d GB, and \d+(\.\d)? [GM]B are free at /) as string,
    });
    expect(await shown(store)).toEqual([]);
    // Where it lies it can be used.
    const opened = await openCheckpoint({ path: large, store, overrides: {} });
    expect(await inode(weightsOf(opened.folder))).toBe(await inode(large));
  });
});

describe('what a copy that was killed left', () => {
  /** Of a process that has ended. */
  const leftover = (): string => join(store, `.ink-0a1b2c3d.${spawnSync(process.execPath, ['--version']).pid}-0a0b0c0d.part`);

  it('goes when the app starts; what is still being written stays', async () => {
    const [left, going] = [leftover(), join(store, `.ink-0a1b2c3d.${process.pid}-0a0b0c0d.part`)];
    for (const folder of [left, going]) await mkdir(join(folder, 'unet'), { recursive: true });
    await writeFile(weightsOf(left), 'half');
    await openLibrary();
    expect(await readdir(store)).toEqual([going.slice(store.length + 1)]);
    await access(join(going, 'unet'));
  });

  it('goes when the engine has ended in the middle of it', async () => {
    const library = await openLibrary({
      openCheckpoint: async () => {
        await mkdir(join(leftover(), 'unet'), { recursive: true });
        throw new StopbathError({ code: 'ENGINE_CRASH', message: 'It ended.' });
      },
    });
    await expect(library.addPath(file, 'checkpoint', 'copy')).rejects.toMatchObject({ code: 'ENGINE_CRASH' });
    expect(await readdir(store)).toEqual([]);
    expect(library.list()).toHaveLength(1);
  });
});
