import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseGenerationRequest, type GenerationRequest, type GenerationRequestInput } from '../../shared/generation.ts';
import { encodePng, readPngTexts } from '../media/png.ts';
import { pngChunks } from '../media/pngChunks.ts';
import { writeFileAtomic } from './files.ts';
import { createInputs, inputIds, type Inputs } from './inputs.ts';

let root = '';
let folder = '';
let inputs: Inputs;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'stopbath-inputs-'));
  folder = join(root, 'inputs');
  inputs = createInputs({ folder, write: writeFileAtomic });
});
afterEach(() => rm(root, { recursive: true, force: true }));

const basic: GenerationRequestInput = {
  task: 'text-to-image',
  modelId: 'starter',
  prompt: '',
  negativePrompt: null,
  width: 128,
  height: 128,
  steps: 2,
  guidanceScale: 4,
  guidanceEnd: { kind: 'never' },
  scheduler: 'ddim',
  seed: '7',
};
function request(change: Partial<GenerationRequestInput>): GenerationRequest {
  return parseGenerationRequest({ ...basic, ...change });
}

function picture(shade: number, width = 4, height = 2): Promise<Buffer> {
  return encodePng({ width, height, rgb: new Uint8Array(width * height * 3).fill(shade) }, [{ keyword: 'parameters', text: 'private' }]);
}

describe('input pictures', () => {
  it('are stored once, without their texts, under the SHA-256 of the stored bytes', async () => {
    const first = await inputs.add(await picture(9));
    // The same pixels out of another file are the same picture.
    const again = await inputs.add(await encodePng({ width: 4, height: 2, rgb: new Uint8Array(24).fill(9) }, []));
    expect(again).toEqual(first);
    expect(first).toMatchObject({ width: 4, height: 2 });
    expect(await readdir(folder)).toEqual([`${first.id}.png`]);
    const stored = await readFile(join(folder, `${first.id}.png`));
    expect(createHash('sha256').update(stored).digest('hex')).toBe(first.id);
    expect(readPngTexts(stored)).toEqual([]);
    expect([...pngChunks(stored)].map(({ type }) => type)).toEqual(['IHDR', 'IDAT', 'IEND']);
    expect(await inputs.png(first.id)).toEqual(new Uint8Array(stored));
  });

  it('reach the engine as pixels: the picture in colour, the mask in grey', async () => {
    const image = await inputs.add(await picture(9));
    const mask = await inputs.add(await picture(255));
    expect(await inputs.load(request({}))).toBeNull();
    // A store that has not seen them being put in reads them from the disk.
    inputs = createInputs({ folder, write: writeFileAtomic });
    const loaded = await inputs.load(request({ task: 'inpaint', image, mask }));
    expect(loaded).toEqual({
      image: { width: 4, height: 2, rgb: new Uint8Array(24).fill(9) },
      mask: { width: 4, height: 2, grey: new Uint8Array(8).fill(255) },
    });
    // From memory: the files are not needed again.
    await rm(join(folder, `${image.id}.png`));
    expect(await inputs.load(request({ task: 'image-to-image', image }))).toEqual({ image: loaded?.image, mask: null });
  });

  it('are refused when they are none, and leave nothing behind', async () => {
    await expect(inputs.add(Buffer.from('GIF89a and more'))).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'image' });
    await expect(inputs.add((await picture(1)).subarray(0, 60))).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'image' });
    expect(await readdir(root)).toEqual([]);
  });

  it('leave nothing behind on a full disk, and can be put in again', async () => {
    let full = true;
    const limited = createInputs({
      folder,
      write: async (path, bytes) => {
        if (full) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
        await writeFileAtomic(path, bytes);
      },
    });
    await expect(limited.add(await picture(1))).rejects.toMatchObject({ code: 'DISK_FULL' });
    full = false;
    await limited.add(await picture(1));
    expect(await readdir(folder)).toHaveLength(1);
  });

  it('that a request names must be there, with the sides it says', async () => {
    const image = await inputs.add(await picture(9));
    const missing = { ...image, id: '0'.repeat(64) };
    await inputs.check(request({ task: 'image-to-image', image }));
    for (const look of [inputs.check, inputs.load]) {
      await expect(look(request({ task: 'image-to-image', image: missing }))).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        field: 'image',
        nextStep: 'Choose the picture again.',
      });
      await expect(look(request({ task: 'inpaint', image, mask: missing }))).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'mask' });
      await expect(look(request({ task: 'image-to-image', image: { ...image, width: 5 } }))).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        field: 'image',
      });
    }
  });

  it('whose file was changed outside are not used', async () => {
    const image = await inputs.add(await picture(9));
    await writeFile(join(folder, `${image.id}.png`), await picture(10));
    const fresh = createInputs({ folder, write: writeFileAtomic });
    await expect(fresh.load(request({ task: 'image-to-image', image }))).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'image' });
  });

  it('are found by their id only, whatever is asked for', async () => {
    const { id } = await inputs.add(await picture(9));
    await writeFile(join(root, 'secret.png'), 'no');
    for (const asked of ['', '.', '..', '../secret', `../inputs/${id}`, `${id}/`, id.toUpperCase(), `${id}\0`, `${id}0`, id.slice(1)]) {
      expect(await inputs.png(asked), asked).toBeNull();
    }
  });
});

describe('cleaning', () => {
  const day = 24 * 60 * 60;

  it('deletes what nothing names and is older than a week, torn writes too', async () => {
    const [named, unnamed, fresh] = await Promise.all([1, 2, 3].map(async (shade) => (await inputs.add(await picture(shade))).id));
    await writeFile(join(folder, 'torn.png.1-2.tmp'), 'half');
    const old = Date.now() / 1000 - 8 * day;
    for (const name of [`${named ?? ''}.png`, `${unnamed ?? ''}.png`, 'torn.png.1-2.tmp']) await utimes(join(folder, name), old, old);
    await inputs.clean(new Set([named ?? '']));
    expect((await readdir(folder)).sort()).toEqual([`${named ?? ''}.png`, `${fresh ?? ''}.png`].sort());
  });

  it('counts the week from the last time a picture was put in', async () => {
    const { id } = await inputs.add(await picture(1));
    const old = Date.now() / 1000 - 8 * day;
    await utimes(join(folder, `${id}.png`), old, old);
    await inputs.add(await picture(1));
    await inputs.clean(new Set());
    expect(await readdir(folder)).toEqual([`${id}.png`]);
  });

  it('has nothing to do where there is no folder', async () => {
    await createInputs({ folder: join(folder, 'none'), write: writeFileAtomic }).clean(new Set());
  });
});

it('tells the ids a request names', () => {
  const image = { id: 'ab'.repeat(32), width: 4, height: 2 };
  const mask = { ...image, id: 'cd'.repeat(32) };
  expect(inputIds(request({ task: 'inpaint', image, mask }))).toEqual([image.id, mask.id]);
  expect(inputIds(request({}))).toEqual([]);
});
