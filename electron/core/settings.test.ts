import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { defaultSettings, type Settings } from '../../shared/contract.ts';
import type { Failure } from '../../shared/errors.ts';
import { writeFileAtomic, type FileWriter } from './files.ts';
import { openSettings, type SettingsStore } from './settings.ts';

let folder = '';
let notices: Failure[] = [];
let changes: Settings[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stopbath-settings-'));
  notices = [];
  changes = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function open(write: FileWriter = writeFileAtomic): Promise<SettingsStore> {
  return openSettings({
    file: join(folder, 'settings.json'),
    write,
    onChange: (settings) => changes.push(settings),
    onNotice: (notice) => notices.push(notice),
  });
}

it('starts with the defaults and says nothing', async () => {
  expect((await open()).get()).toEqual(defaultSettings);
  expect(notices).toEqual([]);
});

it('keeps what is set, one field at a time, also when set all at once', async () => {
  const store = await open();
  await Promise.all([store.set({ theme: 'dark' }), store.set({ paceMs: 0 }), store.set({ form: { steps: 12 } })]);
  expect(changes).toHaveLength(3);
  expect((await open()).get()).toEqual({ ...defaultSettings, theme: 'dark', paceMs: 0, form: { steps: 12 } });
  expect(await readdir(folder)).toEqual(['settings.json']);
});

it.each(['{"theme": "dark", ', '{"theme": "pink"}', '[]', ''])('sets a broken file aside: %s', async (text) => {
  await writeFile(join(folder, 'settings.json'), text);
  const store = await open();
  expect(store.get()).toEqual(defaultSettings);
  const [aside] = await readdir(folder);
  expect(aside).toMatch(/^settings\.broken-.*\.json$/);
  expect(await readFile(join(folder, aside ?? ''), 'utf8')).toBe(text);
  expect(notices).toHaveLength(1);
  expect(notices[0]).toMatchObject({ code: 'FILE_ACCESS' });
  expect(notices[0]?.message).toContain(aside);
});

it('takes the default for a field an older version did not write, and forgets one it did', async () => {
  await writeFile(join(folder, 'settings.json'), '{"theme": "light", "gone": 1}');
  expect((await open()).get()).toEqual({ ...defaultSettings, theme: 'light' });
  expect(notices).toEqual([]);
});

it('changes nothing when the disk is full', async () => {
  const store = await open(() => Promise.reject(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })));
  await expect(store.set({ theme: 'dark' })).rejects.toMatchObject({ code: 'DISK_FULL' });
  expect(store.get()).toEqual(defaultSettings);
  expect(changes).toEqual([]);
});
