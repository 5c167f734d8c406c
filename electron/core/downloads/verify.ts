import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

/**
 * Whether a file on disk is the content its id names: `sha256-`: SHA-256 of its bytes, as the hub keeps for large files;
 * `git-`: SHA-1 of git's blob ("blob", length, NUL, bytes). Read in pieces.
 */
export async function hasContent(path: string, oid: string, bytes: number, signal: AbortSignal): Promise<boolean> {
  if ((await stat(path)).size !== bytes) return false;
  const isGit = oid.startsWith('git-');
  const hash = createHash(isGit ? 'sha1' : 'sha256');
  if (isGit) hash.update(`blob ${bytes}\0`);
  for await (const piece of createReadStream(path, { highWaterMark: 2 ** 20, signal })) hash.update(piece as Uint8Array);
  return hash.digest('hex') === oid.slice(oid.indexOf('-') + 1);
}
