import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Failure } from '../../../shared/errors.ts';
import { closeAll, temporaryFolder } from '../../hosts/testing/testApp.ts';
import { writeFileAtomic } from '../files.ts';
import { createModelsFile, type ModelsState, type StoredModel } from './modelsFile.ts';

let file = '';
let notices: Failure[] = [];
beforeEach(async () => {
  file = join(await temporaryFolder(), 'models.json');
  notices = [];
});
afterEach(closeAll);

const stored: StoredModel = {
  ...{ id: 'local-1', name: 'Ink', origin: 'onnx', path: '/models/ink', own: null, edits: { name: 'Mine' }, folder: '/models/ink', bytes: 12, readBy: '1.0.0', stamp: 's', hash: null, addedAt: 7 },
  facts: {
    ...{ family: 'sd', tasks: ['text-to-image'], width: 512, height: 512, sizeMultiple: 64, minSide: 128, maxSide: 2048, steps: 25 },
    ...{ guidanceScale: 7.5, scheduler: 'pndm', predictionType: 'epsilon', uncertain: [] },
  },
};
const state: ModelsState = {
  models: [stored],
  reports: { 'local-1': { modelId: 'local-1', at: 1, provider: 'cpu', usable: true, findings: [{ severity: 'note', part: 'unet', code: 'A', message: 'b', remedy: '' }] } },
};

it('reads what it saved', async () => {
  const models = createModelsFile(file, writeFileAtomic, (notice) => notices.push(notice));
  expect(await models.read()).toEqual({ models: [], reports: {} });
  await models.save(() => state);
  expect(await createModelsFile(file, writeFileAtomic, () => undefined).read()).toMatchObject(state);
  expect(notices).toEqual([]);
});

it.each(['', '{', '[]', '{"format": 2, "models": [], "reports": {}}', '{"format": 1, "models": [{"id": "../../a"}], "reports": {}}'])(
  'sets %j aside, says so, and goes on with none',
  async (text) => {
    await writeFile(file, text);
    const models = createModelsFile(file, writeFileAtomic, (notice) => notices.push(notice));
    expect(await models.read()).toEqual({ models: [], reports: {} });
    expect(notices).toMatchObject([{ code: 'FILE_ACCESS', message: expect.stringContaining('no model was deleted') as string }]);
    const [aside] = (await readdir(join(file, '..'))).filter((name) => name.startsWith('models.broken-'));
    expect(await readFile(join(file, '..', aside ?? ''), 'utf8')).toBe(text);
    await models.save(() => state);
    expect((await models.read()).models).toHaveLength(1);
  },
);

it('writes one after the other, each time the newest, and says when it cannot', async () => {
  const written: string[] = [];
  let now = state;
  const models = createModelsFile(
    file,
    async (_, bytes) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      written.push(String(bytes));
    },
    () => undefined,
  );
  const saves = [models.save(() => now), models.save(() => now)];
  now = { ...state, models: [] };
  await Promise.all(saves);
  expect(written.map((text) => (JSON.parse(text) as ModelsState).models.length)).toEqual([0, 0]);
  const full = createModelsFile(file, () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })), () => undefined);
  await expect(full.save(() => state)).rejects.toMatchObject({ code: 'DISK_FULL' });
});
