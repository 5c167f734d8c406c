import { readFile, rm } from 'node:fs/promises';
import { saveFailure, type FileWriter } from './files.ts';
import type { SecretKeeper } from './host.ts';

/** One secret of the person's: on disk only as the system encrypted it, else for as long as the app runs. */
export interface Secret {
  get(): string | null;
  /** @throws StopbathError when it could not be saved; it then counts until the app ends. */
  set(value: string | null): Promise<void>;
  /** The system keeps it, or would keep it, encrypted. */
  isSafe(): Promise<boolean>;
}

export interface SecretOptions {
  /** Encrypted; anything else is never written there. */
  readonly file: string;
  readonly write: FileWriter;
  /** null: the surroundings can keep nothing. */
  readonly keeper: SecretKeeper | null;
}

/**
 * Takes up what the last session saved; what cannot be read back is as if it had not been there, and is asked for again. Where nothing
 * was saved the system is not asked: it may want its keyring unlocked.
 */
export async function openSecret({ file, write, keeper }: SecretOptions): Promise<Secret> {
  const isSafe = async (): Promise<boolean> => keeper !== null && (await keeper.isSafe().catch(() => false));
  const saved = keeper === null ? null : await readFile(file).catch(() => null);
  let value = saved !== null && keeper !== null && (await isSafe()) ? await keeper.decrypt(saved).catch(() => null) : null;
  return {
    get: () => value,
    isSafe,
    set: async (next) => {
      const before = value;
      value = next === '' ? null : next;
      if (value === before) return;
      try {
        if (value === null) await rm(file, { force: true });
        else if (keeper !== null && (await isSafe())) await write(file, await keeper.encrypt(value));
      } catch (error) {
        throw saveFailure(error, 'The token');
      }
    },
  };
}
