import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const holderSchema = z.object({ pid: z.int().positive(), address: z.string().nullable() });
type Holder = z.output<typeof holderSchema>;

export type InstanceLock =
  | { readonly kind: 'ours'; setAddress(address: string): void; release(): void }
  /** Another Stopbath works on this data folder; `address` opens it, if it can be opened. */
  | { readonly kind: 'taken'; readonly pid: number; readonly address: string | null };

/**
 * One Stopbath for one data folder. The file is readable by its owner only: it holds an address that opens the app.
 * A lock whose process has died, or whose process number now belongs to something else, is taken over.
 */
export async function takeInstanceLock(folder: string): Promise<InstanceLock> {
  const file = join(folder, 'instance.json');
  const write = (holder: Holder, flag: 'w' | 'wx'): void =>
    writeFileSync(file, JSON.stringify(holder), { mode: 0o600, flag });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      write({ pid: process.pid, address: null }, 'wx');
      return {
        kind: 'ours',
        setAddress: (address) => write({ pid: process.pid, address }, 'w'),
        release: () => {
          if (readHolder(file)?.pid === process.pid) rmSync(file, { force: true });
        },
      };
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const holder = readHolder(file);
    if (holder !== null && (await isRunning(holder))) return { kind: 'taken', ...holder };
    rmSync(file, { force: true });
  }
  throw new Error(`The lock file ${file} keeps coming back.`);
}

function readHolder(file: string): Holder | null {
  try {
    return holderSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return null;
  }
}

async function isRunning({ pid, address }: Holder): Promise<boolean> {
  if (pid === process.pid || !isAlive(pid)) return false;
  if (address === null) return true;
  try {
    // Without its token: an address that opens the app only once must stay good.
    await fetch(new URL('/', address), { method: 'HEAD', signal: AbortSignal.timeout(2_000) });
    return true;
  } catch (error) {
    // Nobody listens: the number belongs to another program now. No answer in time: it is there, but busy.
    return error instanceof DOMException && error.name === 'TimeoutError';
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
