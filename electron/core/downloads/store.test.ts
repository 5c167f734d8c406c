import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPart } from './partFile.ts';
import type { OwnModel } from './record.ts';
import { folderName, openStore, readOwnModel, type Store } from './store.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stopbath-store-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const oidOf = (text: string): string => `sha256-${createHash('sha256').update(text).digest('hex')}`;
const fileOf = (to: string, text: string): OwnModel['files'][number] => ({ path: to, to, bytes: text.length, oid: oidOf(text) });

async function withModel(store: Store): Promise<OwnModel> {
  await store.free();
  for (const text of ['weights', 'config']) await writeFile(join(folder, 'blobs', oidOf(text)), text);
  return {
    format: 1,
    repo: 'owner/name',
    revision: 'a'.repeat(40),
    variant: 'onnx',
    title: 'name',
    license: null,
    origin: 'onnx',
    files: [fileOf('unet/model.onnx', 'weights'), fileOf('vae_decoder/model.onnx', 'weights'), fileOf('model_index.json', 'config')],
  };
}

it('links a model together, and removing it gives back every byte', async () => {
  const store = openStore(folder);
  const model = await withModel(store);
  const at = await store.assemble(model);
  expect(await readOwnModel(at)).toEqual(model);
  expect((await stat(join(at, 'unet/model.onnx'))).nlink).toBe(3);
  const own = (await stat(join(at, 'stopbath.json'))).size;
  expect(await store.remove(at, new Set())).toBe(own + 'weights'.length + 'config'.length);
  expect([...(await readdir(join(folder, 'blobs'))), ...(await readdir(join(folder, 'models')))]).toEqual([]);
});

it('moves where the disk knows no links, and copies what a model has twice', async () => {
  const store = openStore(folder, () => Promise.reject(Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' })));
  const at = await store.assemble(await withModel(store));
  expect(await Promise.all(['unet/model.onnx', 'vae_decoder/model.onnx', 'model_index.json'].map((path) => readFile(join(at, path), 'utf8')))).toEqual(['weights', 'weights', 'config']);
  expect(await readdir(join(folder, 'blobs'))).toEqual([]);
  expect(await store.remove(at, new Set())).toBeGreaterThan('weightsweightsconfig'.length);
});

it('clears away what a killed app left, and nothing that is in use or wanted', async () => {
  const store = openStore(folder);
  const model = await withModel(store);
  const at = await store.assemble(model);
  await mkdir(join(folder, 'models', '.unfinished-x', 'unet'), { recursive: true });
  await writeFile(join(folder, 'models', '.unfinished-x', 'unet', 'model.onnx'), 'half');
  await writeFile(join(folder, 'blobs', oidOf('nobody')), 'nobody');
  await writeFile(join(folder, 'blobs', `${oidOf('wanted')}.part`), 'wan');
  await writeFile(join(folder, 'blobs', `${oidOf('wanted')}.part.etag`), '"x"');
  await writeFile(join(folder, 'blobs', `${oidOf('given up')}.part`), 'giv');
  expect(await store.sweep(new Set([oidOf('wanted')]))).toBe('nobody'.length + 'giv'.length);
  expect((await readdir(join(folder, 'blobs'))).sort()).toEqual([oidOf('weights'), oidOf('config'), `${oidOf('wanted')}.part`, `${oidOf('wanted')}.part.etag`].sort());
  expect(await readdir(join(folder, 'models'))).toEqual([at.slice(join(folder, 'models').length + 1)]);
});

it('takes a folder without its own note for no model, and builds it anew', async () => {
  const store = openStore(folder);
  const model = await withModel(store);
  await mkdir(store.folderOf(model), { recursive: true });
  await writeFile(join(store.folderOf(model), 'old.txt'), 'left over');
  expect(await store.isWhole(model)).toBe(false);
  const at = await store.assemble(model);
  expect((await readdir(at)).sort()).toEqual(['model_index.json', 'stopbath.json', 'unet', 'vae_decoder']);
  // A second time it is found, not built.
  await utimes(at, 0, 0);
  await store.assemble(model);
  expect((await stat(at)).mtimeMs).toBe(0);
  // Unless somebody has deleted a file of it.
  await rm(join(at, 'model_index.json'));
  expect(await store.isWhole(model)).toBe(false);
  expect(await readFile(join(await store.assemble(model), 'model_index.json'), 'utf8')).toBe('config');
});

it('believes no note that would lead out of the folder', async () => {
  const store = openStore(folder);
  const at = await store.assemble(await withModel(store));
  const note = (await readFile(join(at, 'stopbath.json'), 'utf8')).replace('unet/model.onnx', '../../model.onnx');
  await writeFile(join(at, 'stopbath.json'), note.replace('"to": "unet/model.onnx"', '"to": "../../x"'));
  expect(await readOwnModel(at)).toBeNull();
  await expect(store.remove(join(folder, 'blobs'), new Set())).rejects.toThrow('no model of this store');
});

it('names folders so that no two models meet in one, on any system', () => {
  const at = (repo: string, variant: string): string => folderName({ repo, revision: 'abcdef0123456789'.padEnd(40, '0'), variant });
  expect(at('owner/name', 'onnx')).toBe('owner--name@abcdef012345.onnx');
  expect(at('owner/name', 'checkpoint:a b.safetensors')).toMatch(/^owner--name@abcdef012345\.checkpoint-a-b\.safetensors-[0-9a-f]{8}$/);
  expect(at('owner/name', 'checkpoint:a/b')).not.toBe(at('owner/name', 'checkpoint:a-b'));
  const long = `${'o'.repeat(96)}/${'n'.repeat(96)}`;
  expect(at(long, 'onnx').length).toBeLessThanOrEqual(80);
  expect(at(long, 'onnx')).not.toBe(at(long, 'onnx-fp16'));
});

describe('files that the engine has mapped', () => {
  const refuse = (): Promise<never> => Promise.reject(Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' }));

  it.each([
    ['by link', undefined],
    ['on a disk that knows no links', refuse],
  ] as const)('are replaced by new ones, never written to: the one that is mapped keeps every byte (%s)', async (_, hardLink) => {
    const store = openStore(folder, hardLink);
    const model = await withModel(store);
    const [file] = model.files;
    if (file === undefined) throw new Error('the model has no file');
    const path = join(await store.assemble(model), file.to);
    const mapped = await open(path);
    const { ino } = await mapped.stat();

    // Somebody deleted a part of the model and the content it was made of: it is fetched again, at first with other bytes.
    await rm(join(folder, 'models', folderName(model), 'model_index.json'));
    await rm(join(folder, 'blobs'), { recursive: true });
    await store.free();
    const part = await openPart(store.partOf(file));
    await part.write(Buffer.from('SOMETHING LONGER'), 0);
    await part.truncate();
    expect((await mapped.readFile()).toString()).toBe('weights');
    await part.write(Buffer.from('weights'), 0);
    await part.close();
    await store.keep(file);
    await writeFile(join(folder, 'blobs', oidOf('config')), 'config');
    expect(join(await store.assemble(model), file.to)).toBe(path);

    const bytes = Buffer.alloc(file.bytes);
    await mapped.read(bytes, 0, file.bytes, 0);
    expect(bytes.toString()).toBe('weights');
    expect((await mapped.stat()).size).toBe(file.bytes);
    expect(await readFile(path, 'utf8')).toBe('weights');
    expect((await stat(path)).ino).not.toBe(ino);
    await mapped.close();
  });
});
