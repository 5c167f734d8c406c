import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readRecord, stateOf } from '../../electron/engine/graph/checkpointRecord.ts';
import type { CheckpointOptions } from '../../electron/engine/graph/checkpointOptions.ts';
import { forgetCheckpoint, hashCheckpoint, openCheckpoint, reopenCheckpoint } from '../../electron/engine/graph/openCheckpoint.ts';
import { noAdapters } from '../../electron/engine/graph/weights.ts';
import { clipMerges, singleTensors, writeFolder, writeSingle, writeTokenizers } from './fixtures.ts';
import { type TensorToWrite, writeSparse } from './writeSafetensors.ts';

/** What is written over a checkpoint, where, and when it is made anew. */
let place: string;
let options: CheckpointOptions;
let file: string;
beforeEach(async () => {
  place = await mkdtemp(path.join(tmpdir(), 'stopbath-store-'));
  options = { store: path.join(place, 'store'), vocabulary: clipMerges, tokenizers: await writeTokenizers('sd1', path.join(place, 'tokenizers')) };
  file = await writeSparse(path.join(place, 'model.safetensors'), singleTensors('sd1'));
});
afterEach(() => rm(place, { recursive: true, force: true }));

const inode = async (target: string): Promise<string> => {
  const { dev, ino } = await stat(target, { bigint: true });
  return `${dev} ${ino}`;
};
const graphOf = (folder: string): string => path.join(folder, 'unet', 'model.onnx');

/** Files below a folder by path. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

describe('a checkpoint that is opened', () => {
  it('becomes a standard model folder of small files and links', async () => {
    const { folder } = await openCheckpoint(file, options);
    expect((await filesBelow(folder)).map((name) => path.relative(folder, name)).sort()).toEqual(
      [
        'checkpoint.json',
        'model_index.json',
        'scheduler/scheduler_config.json',
        ...['text_encoder', 'unet', 'vae_decoder', 'vae_encoder'].flatMap((part) => ['config.json', 'model.onnx', 'weights.safetensors'].map((name) => `${part}/${name}`)),
        ...['model.onnx', 'weights.safetensors'].map((name) => `unet_shallow/${name}`),
        ...['merges.txt', 'special_tokens_map.json', 'tokenizer_config.json', 'vocab.json'].map((name) => `tokenizer/${name}`),
      ].sort(),
    );
    for (const part of ['text_encoder', 'unet', 'unet_shallow', 'vae_decoder', 'vae_encoder']) expect(await inode(path.join(folder, part, 'weights.safetensors'))).toBe(await inode(file));
    let bytes = 0;
    for (const name of await filesBelow(folder)) if (!name.endsWith('weights.safetensors')) bytes += (await stat(name)).size;
    expect(bytes).toBeLessThan(2_000_000);
    expect(await readFile(graphOf(folder), 'latin1')).not.toContain(place);
  });

  it("has CLIP's vocabulary where it is CLIP's, once for all models", async () => {
    const clip = singleTensors('sd1').map((tensor) => (tensor.name.endsWith('token_embedding.weight') ? { ...tensor, shape: [49_408, 64] } : tensor));
    const sources = [await writeSparse(path.join(place, 'a.safetensors'), clip), await writeSparse(path.join(place, 'b.safetensors'), clip)];
    const without = { store: options.store, vocabulary: clipMerges };
    const opened = await Promise.all(sources.map((source) => openCheckpoint(source, without)));
    const [first = '', second = ''] = opened.map(({ folder }) => path.join(folder, 'tokenizer', 'vocab.json'));
    expect(await readFile(first)).toEqual(await readFile(second));
    const third = await openCheckpoint(await writeSparse(path.join(place, 'c.safetensors'), clip), without);
    expect(await inode(path.join(third.folder, 'tokenizer', 'vocab.json'))).toBe(await inode(path.join(options.store, '.clip', 'vocab.json')));
    const seen = new Set<string>();
    let bytes = 0;
    for (const name of await filesBelow(options.store)) {
      const id = await inode(name);
      if (name.endsWith('weights.safetensors') || seen.has(id)) continue;
      seen.add(id);
      bytes += (await stat(name)).size;
    }
    expect(bytes).toBeLessThan(5_000_000);
  });

  it('is only looked at the second time', async () => {
    const first = await openCheckpoint(file, options);
    const before = await inode(graphOf(first.folder));
    expect(await openCheckpoint(file, options)).toEqual(first);
    expect(await inode(graphOf(first.folder))).toBe(before);
    // Neither is anything read: the list of merges is gone.
    expect(await openCheckpoint(file, { ...options, vocabulary: '/nowhere' })).toEqual(first);
  });

  it('is made anew when the file has changed, and is another model then', async () => {
    const { folder } = await openCheckpoint(file, options);
    const [record, graph] = [await readRecord(folder), await inode(graphOf(folder))];
    await utimes(file, new Date(), new Date(Date.now() + 5000));
    expect(record === null ? '' : await stateOf(record)).toBe('changed');
    expect((await openCheckpoint(file, options)).folder).toBe(folder);
    expect(await inode(graphOf(folder))).not.toBe(graph);
    expect((await readRecord(folder))?.modelHash).toBe(record?.modelHash);

    const other = singleTensors('sd1').map((tensor): TensorToWrite => ({ ...tensor, type: tensor.type === 'F16' ? 'BF16' : tensor.type }));
    await writeSparse(path.join(place, 'new.safetensors'), other);
    await rename(path.join(place, 'new.safetensors'), file);
    expect((await openCheckpoint(file, options)).facts.unetTypes).toEqual({ BF16: expect.any(Number) as number });
    expect((await readRecord(folder))?.modelHash).not.toBe(record?.modelHash);
    expect(await inode(path.join(folder, 'unet', 'weights.safetensors'))).toBe(await inode(file));
  });

  it('is made anew where another version of the app wrote its graphs', async () => {
    const { folder } = await openCheckpoint(file, options);
    const graph = await inode(graphOf(folder));
    const record = path.join(folder, 'checkpoint.json');
    await writeFile(record, (await readFile(record, 'utf8')).replace(/"writer": "[^"]+"/, '"writer": "0.0.1/1"'));
    expect((await reopenCheckpoint(folder, options)).folder).toBe(folder);
    expect(await inode(graphOf(folder))).not.toBe(graph);
  });

  it('is told apart by the numbers in its tensors alone', async () => {
    const one = await readRecord((await openCheckpoint(await writeSingle('sd1', place), options)).folder);
    await mkdir(path.join(place, 'other'));
    const changed = await writeSingle('sd1', path.join(place, 'other'), (tensors) =>
      tensors.map((tensor) => (tensor.name.includes('to_k.weight') ? { ...tensor, seedName: `other.${tensor.name}` } : tensor)),
    );
    const other = await readRecord((await openCheckpoint(changed, options)).folder);
    expect(one?.modelHash).toMatch(/^[0-9a-f]{64}$/);
    expect(other?.modelHash).not.toBe(one?.modelHash);
  });

  it('is missed when it is gone', async () => {
    const { folder } = await openCheckpoint(file, options);
    await rm(file);
    const record = await readRecord(folder);
    expect(record === null ? '' : await stateOf(record)).toBe('missing');
    await expect(openCheckpoint(file, options)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await expect(reopenCheckpoint(folder, options)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await expect(hashCheckpoint(folder)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await forgetCheckpoint(folder);
    expect(await readdir(options.store)).not.toContain(path.basename(folder));
  });

  it('is opened by two at once', async () => {
    const opened = await Promise.all([openCheckpoint(file, options), openCheckpoint(file, options)]);
    expect(new Set(opened.map(({ folder }) => folder)).size).toBe(1);
    expect((await readdir(options.store)).filter((name) => name.includes('part'))).toEqual([]);
    expect(await openCheckpoint(file, options)).toEqual(opened[0]);
  });

  it('has a folder of a safe name, whatever it is called', async () => {
    const names = ['..', 'con', 'a b  c', 'ä日本', 'x'.repeat(200), '-rf *', 'a:b|c?d"e<f>', '.hidden'];
    const folders = new Set<string>();
    for (const name of names) {
      const source = await writeSparse(path.join(place, `${name}.safetensors`), singleTensors('sd1'));
      const { folder, facts } = await openCheckpoint(source, options);
      expect(path.dirname(folder)).toBe(options.store);
      expect(path.basename(folder)).toMatch(/^[\p{L}\p{N}_-][\p{L}\p{N}._-]{0,80}$|^-[0-9a-f]{8}$/u);
      expect(facts.name).toBe(name);
      folders.add(folder);
    }
    expect(folders.size).toBe(names.length);
  });
});

describe('the place of the graphs', () => {
  /** A store that takes no links: as on another disk. */
  const elsewhere = async (): Promise<string> => {
    const store = path.join(place, 'no-folder');
    await writeFile(store, '');
    return path.join(store, 'store');
  };

  it('is beside the file where the store is on another disk', async () => {
    const { folder } = await openCheckpoint(file, { ...options, store: await elsewhere() });
    expect(path.dirname(folder)).toBe(path.join(place, '.stopbath'));
    expect(await inode(path.join(folder, 'unet', 'weights.safetensors'))).toBe(await inode(file));
    expect(await openCheckpoint(file, { ...options, store: await elsewhere() })).toMatchObject({ folder });
    expect((await reopenCheckpoint(folder, options)).folder).toBe(folder);
    const source = await writeFolder('sd1', path.join(place, 'folders'), writeSparse);
    expect(path.dirname((await openCheckpoint(source, { ...options, store: await elsewhere() })).folder)).toBe(path.join(source, '.stopbath'));
  });

  it('is for the person to choose where neither can be', async () => {
    await writeFile(path.join(place, '.stopbath'), '');
    const failure = openCheckpoint(file, { ...options, store: await elsewhere() });
    await expect(failure).rejects.toMatchObject({ code: 'NO_PLACE', message: expect.stringContaining('another disk') as string, nextStep: expect.stringMatching(/Move .* or let it be copied \(\d+ MB\)\.$/) as string });
  });

  it('takes a copy of the weights where that is chosen', async () => {
    const { folder } = await openCheckpoint(file, { ...options, placement: 'copy' });
    const weights = path.join(folder, 'unet', 'weights.safetensors');
    expect(await inode(weights)).not.toBe(await inode(file));
    expect((await stat(weights)).size).toBe((await stat(file)).size);
    for (const part of ['text_encoder', 'vae_decoder', 'vae_encoder']) expect(await inode(path.join(folder, part, 'weights.safetensors'))).toBe(await inode(weights));
    const graph = await inode(graphOf(folder));
    await openCheckpoint(file, { ...options, placement: 'copy' });
    expect(await inode(graphOf(folder))).toBe(graph);
  });

  it('is rid of a copy that was killed before the next one is made', async () => {
    const ended = spawnSync(process.execPath, ['--version']).pid;
    await mkdir(path.join(options.store, `.model-0a1b2c3d.${ended}-0a0b0c0d.part`, 'unet'), { recursive: true });
    const { folder } = await openCheckpoint(file, { ...options, placement: 'copy' });
    expect((await readdir(options.store)).filter((name) => name !== '.clip')).toEqual([path.basename(folder)]);
  });
});

describe('variants and choices', () => {
  it('has a folder for every device, and finds its checkpoint again', async () => {
    const { folder } = await openCheckpoint(file, { ...options, overrides: { predictionType: 'v_prediction' } });
    const other = await reopenCheckpoint(folder, { vocabulary: clipMerges, graph: { device: 'webgpu' } });
    expect(other.folder).not.toBe(folder);
    expect(other.facts).toEqual((await readRecord(folder))?.facts);
    expect((await readRecord(other.folder))?.modelHash).toBe((await readRecord(folder))?.modelHash);
    expect((await reopenCheckpoint(folder, { vocabulary: clipMerges })).folder).toBe(folder);
    await expect(reopenCheckpoint(place, { vocabulary: clipMerges })).rejects.toMatchObject({ code: 'MODEL_BAD' });
  });

  it('keeps the graphs of the last eight sets of LoRAs', async () => {
    const { folder } = await openCheckpoint(file, options);
    const withSet = async (key: string): Promise<string> => {
      const opened = await reopenCheckpoint(folder, { vocabulary: clipMerges, adapters: { key, of: () => noAdapters } });
      await utimes(opened.folder, new Date(), new Date(Date.now() - 60_000 + sets.push(opened.folder)));
      return opened.folder;
    };
    const sets: string[] = [];
    for (let index = 0; index < 8; index++) await withSet(`set ${index}`);
    // Used again, the oldest is no longer that.
    expect((await reopenCheckpoint(folder, { vocabulary: clipMerges, adapters: { key: 'set 0', of: () => noAdapters } })).folder).toBe(sets[0]);
    const last = await withSet('set 8');
    const names = await readdir(options.store);
    for (const kept of [folder, sets[0], sets[2], last]) expect(names).toContain(path.basename(kept ?? ''));
    expect(names).not.toContain(path.basename(sets[1] ?? ''));
    expect(names.filter((name) => !name.startsWith('.'))).toHaveLength(9);
  });

  it('writes what the person says into the scheduler and the UNet', async () => {
    const plain = await openCheckpoint(file, options);
    expect(plain.facts.predictionType).toEqual({ value: 'epsilon', certain: false });
    const overrides = { predictionType: 'v_prediction', zeroSnr: true, defaultSize: { width: 768, height: 512 } } as const;
    const { folder, facts } = await openCheckpoint(file, { ...options, overrides });
    expect(folder).toBe(plain.folder);
    expect(facts).toMatchObject({ predictionType: { value: 'v_prediction', certain: true }, zeroSnr: { value: true, certain: true } });
    const json = async (name: string): Promise<unknown> => JSON.parse(await readFile(path.join(folder, name), 'utf8'));
    expect(await json('scheduler/scheduler_config.json')).toMatchObject({ prediction_type: 'v_prediction', rescale_betas_zero_snr: true, timestep_spacing: 'trailing' });
    expect(await json('unet/config.json')).toMatchObject({ sample_size: 96 });
    expect((await openCheckpoint(file, options)).facts).toEqual(plain.facts);
  });
});

describe('the hash of the file', () => {
  it("is A1111's, told as it goes, and kept", async () => {
    await appendFile(path.join(place, 'note'), '');
    const { folder, sha256 } = await openCheckpoint(file, options);
    expect(sha256).toBeNull();
    const shares: number[] = [];
    const hash = await hashCheckpoint(folder, { onProgress: (share) => shares.push(share) });
    expect(hash).toBe(createHash('sha256').update(await readFile(file)).digest('hex'));
    expect(shares.at(-1)).toBe(1);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect((await openCheckpoint(file, options)).sha256).toBe(hash);
    await utimes(file, new Date(), new Date(Date.now() + 5000));
    expect((await openCheckpoint(file, options)).sha256).toBeNull();
  });

  it('ends when it is told to', async () => {
    const { folder } = await openCheckpoint(file, options);
    await expect(hashCheckpoint(folder, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('is none for a folder of several files', async () => {
    const { folder } = await openCheckpoint(await writeFolder('sd1', path.join(place, 'f'), writeSparse), options);
    expect(await hashCheckpoint(folder)).toBeNull();
  });
});
