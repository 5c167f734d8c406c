import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { StopbathError } from '../../../shared/errors.ts';

export interface PathSurroundings {
  readonly home: string;
  readonly platform: NodeJS.Platform;
}

const drive = /^[A-Za-z]:([\\/]|$)/;

/** Whether a text is meant as a place on this machine rather than a repository's name; bad paths are meant, too. */
export function isPathLike(text: string): boolean {
  const bare = unquoted(text);
  return /^([/\\~]|\.{1,2}([/\\]|$)|file:)/i.test(bare) || drive.test(bare) || bare !== text.trim() || bare.includes('\\');
}

/**
 * The absolute path that a person typed, pasted or dropped: with `~`, in quotes as file managers copy it, or as a file: address.
 * @throws StopbathError `INVALID_INPUT` for anything that is no whole path of this machine.
 */
export function readUserPath(text: string, { home, platform }: PathSurroundings): string {
  const { isAbsolute, resolve } = platform === 'win32' ? path.win32 : path.posix;
  const bare = unquoted(text);
  if (bare === '') throw refusal('The path is empty.', 'Give the whole path of a folder or a file.');
  if ([...bare].some((sign) => sign < ' ' || sign === '\u007f')) {
    throw refusal('The path has a sign in it that no name can have.', 'Copy the path again from your file manager.');
  }
  if (/^file:/i.test(bare)) return fromAddress(bare, platform);
  if (bare === '~' || bare.startsWith('~/') || (platform === 'win32' && bare.startsWith('~\\'))) return resolve(home, `.${bare.slice(1)}`);
  if (bare.startsWith('~')) throw refusal(`${bare} begins with another person's home folder.`, 'Give the whole path instead of ~.');
  if (platform !== 'win32' && (drive.test(bare) || bare.startsWith('\\\\'))) {
    throw refusal(`${bare} is a path of Windows, and this is not.`, 'Give a path as this machine writes it, like /home/you/models.');
  }
  if (!isAbsolute(bare)) {
    throw refusal(`${bare} is only a part of a path.`, `Give the whole path, like ${platform === 'win32' ? 'C:\\models' : '/home/you/models'}.`);
  }
  return resolve(bare);
}

function unquoted(text: string): string {
  const trimmed = text.trim();
  return (/^"(.*)"$/s.exec(trimmed)?.[1] ?? /^'(.*)'$/s.exec(trimmed)?.[1] ?? trimmed).trim();
}

function fromAddress(address: string, platform: NodeJS.Platform): string {
  try {
    return fileURLToPath(new URL(address), { windows: platform === 'win32' });
  } catch {
    throw refusal(`${address} is no address of a file on this machine.`, 'Give the path itself.');
  }
}

function refusal(message: string, nextStep: string): StopbathError {
  return new StopbathError({ code: 'INVALID_INPUT', message, nextStep, field: 'at' });
}
