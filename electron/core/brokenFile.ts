import { rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Failure } from '../../shared/errors.ts';

/** What is said when a file of the app cannot be read, or was damaged and stands aside now. */
export interface BrokenFileWords {
  readonly unreadable: Pick<Failure, 'message'> & { readonly nextStep: string };
  /** @param aside where the damaged file is */
  readonly setAside: (aside: string) => Pick<Failure, 'message'> & { readonly nextStep: string };
}

export function unreadableFile({ unreadable }: BrokenFileWords, error: unknown): Failure {
  return { code: 'FILE_ACCESS', ...unreadable, detail: told(error) };
}

/** A broken file is kept for a person to look at, never overwritten. */
export async function setAside(file: string, cause: unknown, words: BrokenFileWords): Promise<Failure> {
  const aside = join(dirname(file), `${basename(file, '.json')}.broken-${new Date().toISOString().replaceAll(':', '-')}.json`);
  try {
    await rename(file, aside);
  } catch (error) {
    return unreadableFile(words, error);
  }
  return { code: 'FILE_ACCESS', ...words.setAside(aside), detail: told(cause) };
}

function told(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
