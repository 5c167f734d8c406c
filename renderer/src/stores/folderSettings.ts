import type { Settings } from '../../../shared/contract.ts';
import { toFailure, type Failure } from '../../../shared/errors.ts';
import { callCore } from './core.ts';
import { attempt } from './runActions.ts';
import { settingsStore } from './settings.ts';

/**
 * Folders are taken only once core has looked at them: it writes them whole (`~` and quotes are gone), and refuses what is no path or
 * cannot be written to.
 * @returns why not; null when they were taken
 */
export async function changeFolders(change: Partial<Pick<Settings, 'modelsFolder' | 'adapterFolders'>>): Promise<Failure | null> {
  try {
    settingsStore.setState(await callCore('settings.set', change));
    return null;
  } catch (error) {
    return toFailure(error);
  }
}

/** Electron only: the system's own dialog. @returns null when nothing was chosen */
export async function pickFolder(): Promise<string | null> {
  let chosen: string | null = null;
  await attempt(async () => {
    chosen = (await callCore('models.pick', { kind: 'folder' })).path;
  });
  return chosen;
}
