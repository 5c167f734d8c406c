import { mkdtemp, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { clipMerges, singleTensors, writeTokenizers } from '../../../e2e/checkpoints/fixtures.ts';
import { writeSparse } from '../../../e2e/checkpoints/writeSafetensors.ts';
import type { CheckpointOptions } from '../../engine/graph/checkpointOptions.ts';
import { openCheckpoint } from '../../engine/graph/openCheckpoint.ts';

/** An engine has mapped graphs and weights of the model it has loaded; a file cut under it would end its process. */
let place: string;
let file: string;
let options: CheckpointOptions;
let mapped: Map<string, FileHandle>;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'stopbath-replaced-'));
  file = await writeSparse(join(place, 'model.safetensors'), singleTensors('sd1'));
  options = { store: join(place, 'store'), vocabulary: clipMerges, tokenizers: await writeTokenizers('sd1', join(place, 'tokenizers')) };
  mapped = new Map();
});
afterEach(async () => {
  for (const handle of mapped.values()) await handle.close();
  await rm(place, { recursive: true, force: true });
});

async function contentOf(handle: FileHandle): Promise<Buffer> {
  const { size } = await handle.stat();
  const bytes = Buffer.alloc(size);
  await handle.read(bytes, 0, size, 0);
  return bytes;
}

/** Opens every file of a folder, as loading it does. */
async function load(folder: string): Promise<Map<string, Buffer>> {
  const contents = new Map<string, Buffer>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const handle = await open(path);
    mapped.set(path, handle);
    contents.set(path, await contentOf(handle));
  }
  return contents;
}

async function expectWhole(contents: ReadonlyMap<string, Buffer>): Promise<void> {
  for (const [path, handle] of mapped) expect((await contentOf(handle)).equals(contents.get(path) ?? Buffer.of()), path).toBe(true);
}

it.each(['link', 'copy'] as const)('a checkpoint that is loaded is replaced by another file, and opened again: by new files only (%s)', async (placement) => {
  const { folder } = await openCheckpoint(file, { ...options, placement });
  const contents = await load(folder);
  expect([...contents.keys()].filter((path) => path.endsWith('.onnx'))).toHaveLength(5);

  // As downloads put a file in the place of another.
  const [first, ...rest] = singleTensors('sd1');
  if (first === undefined) throw new Error('the fixture has no tensors');
  await rename(await writeSparse(join(place, 'beside.part'), [...rest, first, { ...first, name: 'one.more' }]), file);
  const again = await openCheckpoint(file, { ...options, placement });
  expect(again.folder).toBe(folder);

  await expectWhole(contents);
  for (const [path, handle] of mapped) {
    if (/\.(onnx|safetensors)$/.test(path)) expect((await stat(path)).ino, path).not.toBe((await handle.stat()).ino);
  }
  const weights = await stat(join(folder, 'unet', 'weights.safetensors'));
  expect(weights.size).toBe((await stat(file)).size);
  expect(weights.ino === (await stat(file)).ino).toBe(placement === 'link');
});

it('a checkpoint that is loaded is opened again with something said of it: its graphs are new files', async () => {
  const { folder } = await openCheckpoint(file, options);
  const contents = await load(folder);
  const again = await openCheckpoint(file, { ...options, overrides: { predictionType: 'v_prediction' } });
  expect(again.folder).toBe(folder);
  await expectWhole(contents);
  const graph = join(folder, 'unet', 'model.onnx');
  expect((await stat(graph)).ino).not.toBe((await mapped.get(graph)?.stat())?.ino);
});
