import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventValue } from '../../shared/contract.ts';
import { parseGenerationRequest } from '../../shared/generation.ts';
import { encodePng } from '../media/png.ts';
import { writeFileAtomic } from './files.ts';
import { openLibrary, type Library } from './library.ts';
import type { PictureDraft } from './pictureFile.ts';

let folder = '';
let changes: EventValue<'library'>[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stopbath-library-'));
  changes = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function open(write = writeFileAtomic): Library {
  return openLibrary({ folder, version: '0.0.0', write, onChange: (change) => changes.push(change) });
}

function draft(seed: number): PictureDraft {
  return {
    image: { width: 2, height: 2, rgb: new Uint8Array(12).fill(seed) },
    trace: null,
    modelHash: 'ab'.repeat(32),
    facts: {
      jobId: `job-${seed}`,
      batchIndex: 0,
      request: parseGenerationRequest({
        task: 'text-to-image',
        modelId: 'starter',
        prompt: `一只猫, number ${seed}`,
        negativePrompt: '',
        width: 128,
        height: 128,
        steps: 20,
        guidanceScale: 4,
        guidanceEnd: { kind: 'ratio', ratio: 0.4 },
        scheduler: 'euler_a',
        seed: String(seed),
      }),
      completeness: 'complete',
      modelName: 'Stopbath Starter',
      stepsDone: 20,
      numTimesteps: 20,
      unetEvaluationsTotal: 29,
      unetEvaluationsSaved: 11,
      provider: 'cpu',
      seconds: 1.25,
    },
  };
}

async function list(library: Library, limit = 100, before: string | null = null) {
  return await library.list({ before, limit });
}

describe('the library', () => {
  it('is rebuilt from the files alone, without its cache', async () => {
    const library = open();
    for (let seed = 0; seed < 5; seed++) await library.add(draft(seed));
    const { pictures } = await list(library);
    expect(pictures.map(({ request }) => request.seed)).toEqual(['4', '3', '2', '1', '0']);
    await rm(join(folder, 'library.json'), { force: true });
    expect((await list(open())).pictures).toEqual(pictures);
    // The second time from the cache.
    expect(await readFile(join(folder, 'library.json'), 'utf8')).toContain('job-4');
    expect((await list(open())).pictures).toEqual(pictures);
  });

  it('pages newest first, also when the page before has gone meanwhile', async () => {
    const library = open();
    for (let seed = 0; seed < 7; seed++) await library.add(draft(seed));
    const first = await list(library, 3);
    expect(first).toMatchObject({ total: 7 });
    await library.remove(first.pictures[2]?.id ?? '');
    const second = await list(library, 3, first.next);
    expect(second.pictures.map(({ request }) => request.seed)).toEqual(['3', '2', '1']);
    expect((await list(library, 3, second.next)).next).toBeNull();
  });

  it('removes to the trash and brings back; the trash is emptied at the next start', async () => {
    const library = open();
    const kept = await library.add(draft(1));
    const gone = await library.add(draft(2));
    await library.remove(kept.id);
    await library.remove(gone.id);
    expect(await readdir(join(folder, 'pictures'))).toEqual([]);
    await expect(library.path(kept.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await library.restore(kept.id)).toEqual(kept);
    await expect(library.restore(kept.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(changes.map(({ kind }) => kind)).toEqual(['added', 'added', 'removed', 'removed', 'added']);
    const next = open();
    expect((await list(next)).pictures).toEqual([kept]);
    await expect(next.restore(gone.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await readdir(folder)).not.toContain('trash');
  });

  it('takes a picture out of the list whose file was deleted outside', async () => {
    const library = open();
    const { id, fileName } = await library.add(draft(1));
    await rm(join(folder, 'pictures', fileName));
    await library.remove(id);
    expect((await list(library)).total).toBe(0);
    expect(changes.at(-1)).toEqual({ kind: 'removed', id });
    await expect(library.restore(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('reads what an older Stopbath wrote, and takes what it did not say as it was then', async () => {
    // The record of 0.1.0, before there were input pictures, batches and schedules of their own.
    const stored =
      '{"version":1,"picture":{"jobId":"j","request":{"task":"text-to-image","modelId":"starter","prompt":"一只猫","negativePrompt":null,' +
      '"width":128,"height":128,"steps":20,"guidanceScale":4.5,"guidanceEnd":{"kind":"ratio","ratio":0.4},"scheduler":"dpmpp_2m_karras",' +
      '"seed":"18446744073709551615"},"completeness":"partial","modelName":"Stopbath Starter","stepsDone":7,"numTimesteps":20,' +
      '"unetEvaluationsTotal":14,"unetEvaluationsSaved":0,"provider":"cpu","seconds":1.5,"createdAt":"2026-11-01T10:00:00.000Z",' +
      '"width":128,"height":128},"trace":null,"modelHash":null}';
    const png = await encodePng({ width: 1, height: 1, rgb: new Uint8Array(3) }, [{ keyword: 'stopbath', text: stored }]);
    await mkdir(join(folder, 'pictures'), { recursive: true });
    await writeFile(join(folder, 'pictures', 'old.png'), png);
    for (const library of [open(), open()]) {
      expect((await list(library)).pictures).toMatchObject([
        {
          id: 'old',
          batchIndex: 0,
          completeness: 'partial',
          request: { prompt: '一只猫', seed: '18446744073709551615', scheduler: 'dpmpp_2m', sigmaSchedule: 'karras', image: null, imagesPerPrompt: 1 },
        },
      ]);
    }
  });

  it('keeps the whole of a request in the file, whatever it says', async () => {
    const image = { id: 'ab'.repeat(32), width: 512, height: 384 };
    const request = parseGenerationRequest({
      ...draft(1).facts.request,
      ...{ task: 'inpaint', image, mask: { ...image, id: 'cd'.repeat(32) }, strength: 0.55, maskPadding: 32, keepUnmasked: false },
      ...{ morePrompts: ['b'], prompt2: 'c', promptSyntax: 'comfy', clipSkip: 1, imagesPerPrompt: 2, batchSeeds: 'shared' },
      ...{ noise: { kind: 'torch-cuda', sms: 84, threadsPerSm: 1536 }, guidanceCurve: { kind: 'list', scales: [7, 1.25] } },
      ...{ guidanceInterval: { sigmaLow: 0.28, sigmaHigh: 5.42 }, guidanceRescale: 0.7, sigmas: [14.6, 3, 0], eta: 0.3, denoisingEnd: 0.8 },
      microConditioning: { originalSize: { width: 1024, height: 768 } },
    });
    const added = await open().add({ ...draft(1), facts: { ...draft(1).facts, request, batchIndex: 3 } });
    expect(added.fileName).toMatch(/_seed-1_[0-9a-f]{6}-4\.png$/);
    const library = open();
    expect((await list(library)).pictures).toEqual([added]);
    expect(added.request).toEqual(request);
    expect(await library.inputIds()).toEqual(new Set([image.id, 'cd'.repeat(32)]));
  });

  it('leaves out what is not ours or damaged, and takes in a copy', async () => {
    const library = open();
    const picture = await library.add(draft(3));
    const pictures = join(folder, 'pictures');
    await writeFile(join(pictures, 'foreign.png'), await encodePng({ width: 1, height: 1, rgb: new Uint8Array(3) }, []));
    await writeFile(join(pictures, 'cut.png'), (await readFile(join(pictures, picture.fileName))).subarray(0, 60));
    await writeFile(join(pictures, 'broken.png'), 'x');
    await mkdir(join(pictures, 'folder.png'));
    await copyFile(join(pictures, picture.fileName), join(pictures, 'a copy #1.png'));
    const found = (await list(open())).pictures;
    expect(found.map(({ fileName }) => fileName).sort()).toEqual([picture.fileName, 'a copy #1.png'].sort());
    expect(found.find(({ id }) => id === 'a copy #1')?.url).toBe('/pictures/a%20copy%20%231.png');
  });

  it('leaves nothing behind when the disk is full, and can add again', async () => {
    let full = true;
    const library = open(async (path, bytes) => {
      if (full) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      await writeFileAtomic(path, bytes);
    });
    await expect(library.add(draft(1))).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect((await list(library)).total).toBe(0);
    full = false;
    await library.add(draft(1));
    expect(await readdir(join(folder, 'pictures'))).toHaveLength(1);
  });

  it('says so when its folder cannot be used', async () => {
    await writeFile(join(folder, 'pictures'), 'a file');
    await expect(list(open())).rejects.toMatchObject({ code: 'FILE_ACCESS' });
  });

  it('lists thousands of pictures, also from its cache', async () => {
    const library = open();
    const picture = await library.add(draft(1));
    const bytes = await readFile(join(folder, 'pictures', picture.fileName));
    const names = Array.from({ length: 3_000 }, (_, index) => `copy-${index}.png`);
    for (const name of names) await writeFile(join(folder, 'pictures', name), bytes);
    expect((await list(open())).total).toBe(3_001);
    const cached = open();
    expect((await list(cached)).total).toBe(3_001);
    expect((await list(cached, 500)).pictures).toHaveLength(500);
  });
});
