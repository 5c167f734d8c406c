import { access, constants, mkdir } from 'node:fs/promises';
import type { CallInput } from '../../shared/contract.ts';
import { StopbathError } from '../../shared/errors.ts';
import { readUserPath, type PathSurroundings } from './models/userPath.ts';

/**
 * The folders of a change of settings as whole paths. The models folder is made where it is not there yet; folders of adapters may be on
 * a disk that is not connected now.
 * @throws StopbathError `INVALID_INPUT` for what is no path, `FILE_ACCESS` for a models folder that nothing can be saved in.
 */
export async function withFolders(change: CallInput<'settings.set'>, surroundings: PathSurroundings): Promise<CallInput<'settings.set'>> {
  const { modelsFolder, adapterFolders } = change;
  const read = (field: 'modelsFolder' | 'adapterFolders', text: string): string => {
    try {
      return readUserPath(text, surroundings);
    } catch (error) {
      if (!(error instanceof StopbathError)) throw error;
      throw new StopbathError({ code: error.code, message: error.message, field, ...(error.nextStep === undefined ? {} : { nextStep: error.nextStep }) }, { cause: error });
    }
  };
  const folder = typeof modelsFolder === 'string' ? read('modelsFolder', modelsFolder) : modelsFolder;
  if (typeof folder === 'string') await makeUsable(folder);
  return {
    ...change,
    ...(folder === undefined ? {} : { modelsFolder: folder }),
    ...(adapterFolders === undefined ? {} : { adapterFolders: [...new Set(adapterFolders.map((text) => read('adapterFolders', text)))] }),
  };
}

async function makeUsable(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (error) {
    throw new StopbathError(
      {
        code: 'FILE_ACCESS',
        message: `Nothing can be saved in ${folder}.`,
        nextStep: 'Choose a folder that you may write to.',
        field: 'modelsFolder',
        detail: error instanceof Error ? error.message : String(error),
      },
      { cause: error },
    );
  }
}
