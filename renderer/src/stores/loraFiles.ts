import { createStore } from 'zustand/vanilla';
import { toFailure, type Failure } from '../../../shared/errors.ts';
import type { AdapterFile, Model } from '../../../shared/models.ts';
import { callCore } from './core.ts';
import { settingsStore } from './settings.ts';

export interface LoraFilesState {
  readonly files: readonly AdapterFile[];
  /** They have been asked for and told. */
  readonly read: boolean;
  /** Why the list could not be read when it was last asked for. */
  readonly unread: Failure | null;
  /** Why a folder was not taken. */
  readonly problem: Failure | null;
}

export const loraFilesStore = createStore<LoraFilesState>(() => ({ files: [], read: false, unread: null, problem: null }));

/** Looks through the folders once more; what new files are comes behind, as an event. */
export async function readLoraFiles(): Promise<void> {
  try {
    loraFilesStore.setState({ files: await callCore('adapters.list', {}), read: true, unread: null, problem: null });
  } catch (error) {
    loraFilesStore.setState({ unread: toFailure(error) });
  }
}

export function receiveLoraFiles(files: readonly AdapterFile[]): void {
  loraFilesStore.setState({ files, read: true, unread: null });
}

/** @returns whether the folders were taken; if not, `problem` says why */
export async function setLoraFolders(adapterFolders: readonly string[]): Promise<boolean> {
  try {
    settingsStore.setState(await callCore('settings.set', { adapterFolders: [...adapterFolders] }));
    await readLoraFiles();
    return true;
  } catch (error) {
    loraFilesStore.setState({ problem: toFailure(error) });
    return false;
  }
}

export function forgetLoraProblem(): void {
  loraFilesStore.setState({ problem: null });
}

/** Whether a LoRA's file says that it was made for models of another family. */
export function isOtherFamily(file: Pick<AdapterFile, 'family'>, model: Pick<Model, 'family'> | null): boolean {
  return model !== null && file.family !== null && file.family !== model.family;
}

/** The LoRAs whose name or words have all the words of a search; what suits the model and can be used comes first. */
export function foundLoras(files: readonly AdapterFile[], search: string, model: Pick<Model, 'family'> | null): readonly AdapterFile[] {
  const words = search.toLowerCase().split(/\s+/).filter((word) => word !== '');
  const has = ({ name, path, triggers }: AdapterFile): boolean => {
    const text = [name, path, ...triggers].join(' ').toLowerCase();
    return words.every((word) => text.includes(word));
  };
  const rank = (file: AdapterFile): number => (file.problem !== null ? 2 : isOtherFamily(file, model) ? 1 : 0);
  return files.filter((file) => file.kind === 'lora' && has(file)).sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}
