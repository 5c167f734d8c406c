import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

let known: number | undefined;

/**
 * Threads for a model call: the physical cores, as far as this process may use them. A second thread on a core gains
 * matrix work nothing. ONNX Runtime's own default counts the machine's cores, not those a container was given.
 */
export function computeThreads(): number {
  known ??= Math.max(1, Math.min(availableParallelism(), physicalCores()));
  return known;
}

function physicalCores(): number {
  const logical = availableParallelism();
  if (process.platform === 'linux') {
    try {
      return countCores(readFileSync('/proc/cpuinfo', 'utf8')) ?? logical;
    } catch {
      return logical;
    }
  }
  // Apple and ARM cores have one thread each; most x64 ones above four have two.
  return process.arch === 'x64' && logical > 4 ? Math.ceil(logical / 2) : logical;
}

/** Different (physical id, core id) pairs; null where the file tells none, as on ARM. */
export function countCores(cpuinfo: string): number | null {
  const cores = new Set<string>();
  for (const processor of cpuinfo.split(/\n\s*\n/)) {
    const core = /^core id\s*:\s*(\d+)/m.exec(processor)?.[1];
    if (core === undefined) continue;
    cores.add(`${/^physical id\s*:\s*(\d+)/m.exec(processor)?.[1] ?? '0'}/${core}`);
  }
  return cores.size === 0 ? null : cores.size;
}
