import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** `.<folder>.<process>-<random>.part`, as the engine calls a folder over a checkpoint while it is written (electron/engine/graph/writeModelFolder.ts). */
const unfinishedName = /^\..+\.(\d+)-[0-9a-f]+\.part(\.old)?$/;

/**
 * Deletes what processes that have ended left half written: a copy of weights takes gigabytes.
 * @param root of folders that only processes of this machine write; it need not be there
 */
export async function sweepUnfinished(root: string): Promise<void> {
  for (const name of await readdir(root).catch(() => [])) {
    const writer = unfinishedName.exec(name)?.[1];
    if (writer === undefined || isRunning(Number(writer))) continue;
    await rm(join(root, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

function isRunning(processId: number): boolean {
  try {
    // Signal 0 only asks.
    return process.kill(processId, 0);
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
