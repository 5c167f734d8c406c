import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import type { ProviderId } from '../../../shared/generation.ts';

/** Memory of a device, in bytes. */
export interface DeviceMemory {
  readonly free: number;
  readonly total: number;
}

/** Where Linux tells; another root in tests. */
export interface SystemFiles {
  readonly root: string;
}

const realFiles: SystemFiles = { root: '/' };

/**
 * The memory a model on this device can have. A graphics card's own is asked of its driver; where none tells (DirectML, Apple's
 * unified memory), the system's memory stands for it: those devices borrow from it.
 */
export async function deviceMemory(provider: ProviderId): Promise<DeviceMemory> {
  if (provider === 'cpu') return systemMemory();
  return (await nvidiaMemory()) ?? (provider === 'cuda' ? null : amdMemory()) ?? (await systemMemory());
}

/**
 * Of the machine, or what this process's control group leaves of it. `os.freemem()` takes the page cache for used on Linux, where a
 * model's mapped weights are in it, and takes no notice of control groups.
 */
export async function systemMemory(platform: NodeJS.Platform = process.platform, files: SystemFiles = realFiles): Promise<DeviceMemory> {
  if (platform === 'linux') {
    const machine = linuxMemory(files);
    if (machine !== null) return controlGroups(files).reduce(smaller, machine);
  }
  if (platform === 'darwin') {
    const free = readVmStat(await output('vm_stat', []));
    if (free !== null) return { free, total: os.totalmem() };
  }
  return { free: os.freemem(), total: os.totalmem() };
}

function linuxMemory({ root }: SystemFiles): DeviceMemory | null {
  const text = read(join(root, 'proc/meminfo'));
  const free = kibibytes(text, 'MemAvailable');
  const total = kibibytes(text, 'MemTotal');
  return free === null || total === null ? null : { free, total };
}

/** Every group from the process's own up to the root, in both versions of the interface. */
function controlGroups({ root }: SystemFiles): DeviceMemory[] {
  const lines = (read(join(root, 'proc/self/cgroup')) ?? '').split('\n');
  const groups: DeviceMemory[] = [];
  for (const line of lines) {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const isSecond = controllers === '';
    if (!isSecond && !controllers.split(',').includes('memory')) continue;
    const mount = join(root, isSecond ? 'sys/fs/cgroup' : 'sys/fs/cgroup/memory');
    const names = path.split('/').filter((name) => name !== '');
    for (let depth = names.length; depth >= 0; depth--) {
      const group = readGroup(join(mount, ...names.slice(0, depth)), isSecond);
      if (group !== null) groups.push(group);
    }
  }
  return groups;
}

function readGroup(folder: string, isSecond: boolean): DeviceMemory | null {
  const [limit, used] = isSecond ? ['memory.max', 'memory.current'] : ['memory.limit_in_bytes', 'memory.usage_in_bytes'];
  const total = wholeNumber(read(join(folder, limit)));
  const current = wholeNumber(read(join(folder, used)));
  // The first version says "none" with a number near 2^63.
  if (total === null || current === null || total > 2 ** 53) return null;
  const stat = read(join(folder, 'memory.stat'));
  const prefix = isSecond ? '' : 'total_';
  // What lies in files can leave at any time, mapped weights too.
  const files = ['inactive_file', 'active_file'].reduce((sum, name) => sum + (statistic(stat, `${prefix}${name}`) ?? 0), 0);
  return { free: Math.max(0, total - Math.max(0, current - files)), total };
}

function smaller(a: DeviceMemory, b: DeviceMemory): DeviceMemory {
  return { free: Math.min(a.free, b.free), total: Math.min(a.total, b.total) };
}

/** Pages of macOS that nobody has or that can be taken from their owners. */
export function readVmStat(text: string | null): number | null {
  if (text === null) return null;
  const pageBytes = Number(/page size of (\d+) bytes/.exec(text)?.[1] ?? NaN);
  const pages = ['free', 'inactive', 'speculative', 'purgeable'].map((name) => Number(new RegExp(`Pages ${name}:\\s+(\\d+)`).exec(text)?.[1] ?? 0));
  const free = pages.reduce((sum, count) => sum + count, 0) * pageBytes;
  return Number.isFinite(free) ? free : null;
}

async function nvidiaMemory(): Promise<DeviceMemory | null> {
  return readNvidia(await output('nvidia-smi', ['--query-gpu=memory.total,memory.free', '--format=csv,noheader,nounits']));
}

/** MiB of the first card. */
export function readNvidia(text: string | null): DeviceMemory | null {
  const [, total, free] = /^\s*(\d+)\s*,\s*(\d+)/.exec(text ?? '') ?? [];
  return total === undefined || free === undefined ? null : { total: Number(total) * 2 ** 20, free: Number(free) * 2 ** 20 };
}

/** Of amdgpu; the card with the most. */
export function amdMemory({ root }: SystemFiles = realFiles): DeviceMemory | null {
  const cards = join(root, 'sys/class/drm');
  let best: DeviceMemory | null = null;
  for (const name of list(cards)) {
    const total = wholeNumber(read(join(cards, name, 'device/mem_info_vram_total')));
    const used = wholeNumber(read(join(cards, name, 'device/mem_info_vram_used')));
    if (total !== null && used !== null && total > (best?.total ?? 0)) best = { total, free: total - used };
  }
  return best;
}

/** Memory of this process that no file stands behind: what it would give back with the models it holds. */
export function ownMemory({ root }: SystemFiles = realFiles): number {
  return kibibytes(read(join(root, 'proc/self/status')), 'RssAnon') ?? process.memoryUsage.rss();
}

const patienceMs = 3_000;

function output(program: string, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(program, [...args], { timeout: patienceMs, windowsHide: true }, (error, stdout) => resolve(error === null ? stdout : null));
  });
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => /^card\d+$/.test(name));
  } catch {
    return [];
  }
}

function kibibytes(text: string | null, name: string): number | null {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text ?? '')?.[1];
  return found === undefined ? null : Number(found) * 1024;
}

function statistic(text: string | null, name: string): number | null {
  const found = new RegExp(`^${name} (\\d+)$`, 'm').exec(text ?? '')?.[1];
  return found === undefined ? null : Number(found);
}

function wholeNumber(text: string | null): number | null {
  return text !== null && /^\d+\s*$/.test(text) ? Number(text) : null;
}
