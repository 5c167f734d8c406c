import { readFile, rename } from 'node:fs/promises';
import { StopbathError, type ErrorCode, errorCodes, type Failure } from '../../../shared/errors.ts';
import { isMissing, saveFailure, writeFileAtomic } from '../files.ts';
import { newEntry, type Entry } from './entry.ts';
import { stateFileSchema } from './record.ts';

/** The downloads that are not finished, as the last run of the app left them. A file that cannot be read is set aside. */
export async function readState(path: string, onDamage: (failure: Failure) => void): Promise<Entry[]> {
  try {
    const { downloads } = stateFileSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    return downloads.map(({ id, model, state, failure }) => newEntry(id, model, state === 'waiting' ? 'run' : state === 'paused' ? 'pause' : 'failed', known(failure)));
  } catch (error) {
    if (isMissing(error)) return [];
    await rename(path, `${path}.damaged`).catch(() => undefined);
    onDamage(
      new StopbathError({
        code: 'FILE_ACCESS',
        message: 'The list of downloads could not be read and was set aside.',
        nextStep: 'Add the model again: what is there of it is used.',
        detail: error instanceof Error ? error.message : String(error),
      }),
    );
    return [];
  }
}

export async function writeState(path: string, entries: readonly Entry[]): Promise<void> {
  const downloads = entries
    .filter(({ aim }) => aim !== 'done')
    .map(({ id, model, aim, failure }) => ({ id, model, state: aim === 'run' ? 'waiting' : aim === 'pause' ? 'paused' : 'failed', failure: aim === 'failed' ? failure : null }));
  try {
    await writeFileAtomic(path, `${JSON.stringify({ format: 1, downloads }, null, 1)}\n`);
  } catch (error) {
    throw saveFailure(error, 'The list of downloads');
  }
}

function known(failure: { code: string; message: string; nextStep?: string | undefined; detail?: string | undefined } | null): Failure | null {
  if (failure === null) return null;
  const code: ErrorCode = errorCodes.find((one) => one === failure.code) ?? 'INTERNAL';
  const { message, nextStep, detail } = failure;
  return { code, message, ...(nextStep === undefined ? {} : { nextStep }), ...(detail === undefined ? {} : { detail }) };
}
