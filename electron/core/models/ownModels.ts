import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Downloads } from '../downloads/downloads.ts';
import { readState } from '../downloads/stateFile.ts';
import { openStore } from '../downloads/store.ts';
import type { OwnModelFolder, OwnModels } from './libraryTypes.ts';

/** The finished downloads of a store, for the library. @param downloads those of the folder in use now */
export function ownModels(downloads: () => Downloads): OwnModels {
  return {
    list: async () => {
      const { store } = downloads();
      const names = await readdir(store.modelsFolder).catch(() => []);
      const found = await Promise.all(
        names.filter((name) => !name.startsWith('.')).map(async (name): Promise<OwnModelFolder | null> => {
          const folder = join(store.modelsFolder, name);
          const model = await store.read(folder);
          return model === null ? null : { ...model, folder, files: model.files.map(({ to }) => to) };
        }),
      );
      return found.filter((model) => model !== null);
    },
    remove: async (folder) => {
      const current = downloads();
      if (dirname(folder) === current.store.modelsFolder) return await current.remove(folder);
      // A download from before the models folder was another one.
      const store = openStore(dirname(dirname(folder)));
      const unfinished = await readState(store.stateFile, () => undefined);
      return await store.remove(folder, new Set(unfinished.flatMap(({ model }) => model.files.map(({ oid }) => oid))));
    },
  };
}
