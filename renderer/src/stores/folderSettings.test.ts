import { beforeEach, describe, expect, it } from 'vitest';
import { defaultSettings } from '../../../shared/contract.ts';
import { StopbathError } from '../../../shared/errors.ts';
import { fakeCore } from '../testing/fakeCore.ts';
import { changeFolders } from './folderSettings.ts';
import { settingsStore } from './settings.ts';

beforeEach(() => settingsStore.setState(defaultSettings, true));

describe('folders', () => {
  it('stand as core wrote them', async () => {
    fakeCore({ 'settings.set': () => ({ ...defaultSettings, adapterFolders: ['/home/me/loras'] }) });
    expect(await changeFolders({ adapterFolders: ['~/loras'] })).toBeNull();
    expect(settingsStore.getState().adapterFolders).toEqual(['/home/me/loras']);
  });

  it('stay as they were when core refuses', async () => {
    fakeCore({
      'settings.set': () => {
        throw new StopbathError({ code: 'INVALID_INPUT', message: 'x is only a part of a path.', field: 'modelsFolder' });
      },
    });
    expect(await changeFolders({ modelsFolder: 'x' })).toMatchObject({ code: 'INVALID_INPUT', field: 'modelsFolder' });
    expect(settingsStore.getState().modelsFolder).toBeNull();
  });
});
