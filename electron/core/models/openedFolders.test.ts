import { link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeOpened } from './openedFolders.ts';

let disk: string;
let file: string;
let beside: string;

beforeEach(async () => {
  disk = await mkdtemp(join(tmpdir(), 'stopbath-opened-'));
  file = join(disk, 'model.safetensors');
  beside = join(disk, '.stopbath');
  await writeFile(file, Buffer.alloc(10_000, 1));
});
afterEach(() => rm(disk, { recursive: true, force: true }));

/** A folder as the engine writes it over a checkpoint: a graph, the weights by link to several parts, a shared vocabulary. */
async function open(source: string, folder: string): Promise<void> {
  await mkdir(join(folder, 'unet'), { recursive: true });
  await mkdir(join(folder, 'unet_shallow'));
  await writeFile(join(folder, 'unet', 'model.onnx'), Buffer.alloc(500));
  for (const part of ['unet', 'unet_shallow']) await link(source, join(folder, part, 'weights.safetensors'));
  const shared = join(folder, '..', '.clip');
  await mkdir(shared, { recursive: true });
  await writeFile(join(shared, 'merges.txt'), Buffer.alloc(70), { flag: 'a' });
  await link(join(shared, 'merges.txt'), join(folder, 'merges.txt'));
  await writeFile(join(folder, 'checkpoint.json'), JSON.stringify({ source }));
}

const remove = (folder: string, path = file): Promise<number> => removeOpened({ origin: 'checkpoint', path, folder });

describe('what was written over a checkpoint beside it', () => {
  it('goes with the model, and leaves the folder as it was found', async () => {
    await open(file, join(beside, 'model-1'));
    const record = Buffer.byteLength(JSON.stringify({ source: file }));
    expect(await remove(join(beside, 'model-1'))).toBe(500 + record + 70);
    expect(await readdir(disk)).toEqual(['model.safetensors']);
    expect((await readFile(file)).equals(Buffer.alloc(10_000, 1))).toBe(true);
  });

  it('goes with its other forms, for another device or with LoRAs, and with what a crash left of it', async () => {
    await open(file, join(beside, 'model-1'));
    await open(file, join(beside, 'model-2'));
    await mkdir(join(beside, '.model-1.4711-0a0b0c0d.part', 'unet'), { recursive: true });
    await writeFile(join(beside, '.DS_Store'), 'looked at');
    await remove(join(beside, 'model-1'));
    expect(await readdir(disk)).toEqual(['model.safetensors']);
  });

  it('stays for the other models of the folder, and goes with the last of them', async () => {
    const other = join(disk, 'other.safetensors');
    await writeFile(other, Buffer.alloc(100));
    await open(file, join(beside, 'model-1'));
    await open(other, join(beside, 'other-1'));
    await remove(join(beside, 'model-1'));
    expect((await readdir(beside)).sort()).toEqual(['.clip', 'other-1']);
    await remove(join(beside, 'other-1'), other);
    expect((await readdir(disk)).sort()).toEqual(['model.safetensors', 'other.safetensors']);
  });

  it('stays where a person put something into it, or another model is being opened', async () => {
    await open(file, join(beside, 'model-1'));
    await writeFile(join(beside, 'notes.txt'), 'mine');
    await remove(join(beside, 'model-1'));
    expect(await readFile(join(beside, 'notes.txt'), 'utf8')).toBe('mine');
    await rm(join(beside, 'notes.txt'));
    await open(file, join(beside, 'model-1'));
    await mkdir(join(beside, '.next-1.4711-0a0b0c0d.part'));
    await remove(join(beside, 'model-1'));
    expect((await readdir(beside)).sort()).toEqual(['.clip', '.next-1.4711-0a0b0c0d.part']);
  });

  it('stays where it is a link to somewhere else', async () => {
    const elsewhere = join(disk, 'elsewhere');
    await mkdir(elsewhere);
    await symlink(elsewhere, beside, 'dir');
    await open(file, join(beside, 'model-1'));
    await remove(join(beside, 'model-1'));
    expect((await readdir(disk)).sort()).toEqual(['.stopbath', 'elsewhere', 'model.safetensors']);
  });
});

describe("what was written over a checkpoint in the app's store", () => {
  it("goes without the store's own folder, with the bytes of a checkpoint that was deleted meanwhile", async () => {
    const store = join(disk, 'checkpoints');
    await open(file, join(store, 'model-1'));
    await rm(file);
    const record = Buffer.byteLength(JSON.stringify({ source: file }));
    // One file under two names.
    expect(await remove(join(store, 'model-1'))).toBe(10_000 + 500 + record);
    expect(await readdir(store)).toEqual(['.clip']);
  });

  it('is left alone where it does not say that it was made from a checkpoint', async () => {
    const folder = join(beside, 'model-1');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'weights.safetensors'), 'mine');
    expect(await remove(folder)).toBe(0);
    expect(await readFile(join(folder, 'weights.safetensors'), 'utf8')).toBe('mine');
  });
});
