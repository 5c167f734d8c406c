import { readFileSync } from 'node:fs';

/**
 * How many processes the kernel has ended for want of memory since it started, those of containers included; null where
 * it does not tell. A SIGKILL alone could come from anyone: what tells the two apart is whether this number has grown.
 */
export function countOomKills(file = '/proc/vmstat'): number | null {
  try {
    const count = /^oom_kill (\d+)$/m.exec(readFileSync(file, 'utf8'))?.[1];
    return count === undefined ? null : Number(count);
  } catch {
    return null;
  }
}
