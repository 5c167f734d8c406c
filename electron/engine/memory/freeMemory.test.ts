import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { amdMemory, ownMemory, readNvidia, readVmStat, systemMemory } from './freeMemory.ts';

const gibibyte = 2 ** 30;
const roots: string[] = [];

afterEach(async () => {
  for (const root of roots.splice(0)) await rm(root, { recursive: true });
});

/** A folder that stands for `/`. */
async function machine(files: Readonly<Record<string, string>>): Promise<{ root: string }> {
  const root = await mkdtemp(path.join(tmpdir(), 'stopbath-proc-'));
  roots.push(root);
  const meminfo = `MemTotal:       ${16 * 1024 * 1024} kB\nMemFree:          524288 kB\nMemAvailable:   ${12 * 1024 * 1024} kB\n`;
  for (const [name, text] of Object.entries({ 'proc/meminfo': meminfo, ...files })) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true });
    await writeFile(path.join(root, name), text);
  }
  return { root };
}

it('what the page cache would give back counts as free', async () => {
  expect(await systemMemory('linux', await machine({}))).toEqual({ free: 12 * gibibyte, total: 16 * gibibyte });
});

it('a control group leaves its limit, less what it uses; files in memory can leave', async () => {
  const files = await machine({
    'proc/self/cgroup': '0::/user/app\n',
    'sys/fs/cgroup/user/app/memory.max': 'max\n',
    'sys/fs/cgroup/user/app/memory.current': '1\n',
    'sys/fs/cgroup/user/memory.max': `${6 * gibibyte}\n`,
    'sys/fs/cgroup/user/memory.current': `${5 * gibibyte}\n`,
    'sys/fs/cgroup/user/memory.stat': `anon ${gibibyte}\ninactive_file ${gibibyte}\nactive_file ${2 * gibibyte}\n`,
  });
  expect(await systemMemory('linux', files)).toEqual({ free: 4 * gibibyte, total: 6 * gibibyte });
});

it('so does one of the first version, whose "none" is a number', async () => {
  const group = (limit: string) => ({
    'proc/self/cgroup': '4:memory:/box\n3:cpuset:/\n0::/\n',
    'sys/fs/cgroup/memory/box/memory.limit_in_bytes': limit,
    'sys/fs/cgroup/memory/box/memory.usage_in_bytes': `${2 * gibibyte}`,
    'sys/fs/cgroup/memory/box/memory.stat': `inactive_file 5\ntotal_inactive_file ${gibibyte}\ntotal_active_file 0\n`,
  });
  expect(await systemMemory('linux', await machine(group(`${8 * gibibyte}`)))).toEqual({ free: 7 * gibibyte, total: 8 * gibibyte });
  expect(await systemMemory('linux', await machine(group('9223372036854771712')))).toEqual({ free: 12 * gibibyte, total: 16 * gibibyte });
});

it('other systems, and a Linux that tells nothing, are asked through Node', async () => {
  for (const platform of ['win32', 'linux'] as const) {
    const { free, total } = await systemMemory(platform, { root: '/nowhere' });
    expect(free).toBeGreaterThan(0);
    expect(total).toBeGreaterThanOrEqual(free);
  }
});

it('reads vm_stat of macOS', () => {
  const text = `Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                               10000.
Pages active:                            400000.
Pages inactive:                           20000.
Pages speculative:                         3000.
Pages wired down:                        150000.
Pages purgeable:                            500.
`;
  expect(readVmStat(text)).toBe(33_500 * 16_384);
  expect([readVmStat('no such thing'), readVmStat(null)]).toEqual([null, null]);
});

it('reads what nvidia-smi says of the first card', () => {
  expect(readNvidia('8192, 7523\n24576, 24000\n')).toEqual({ total: 8192 * 2 ** 20, free: 7523 * 2 ** 20 });
  expect([readNvidia('[N/A], [N/A]'), readNvidia(null)]).toEqual([null, null]);
});

it('reads the largest card of amdgpu', async () => {
  const card = (number: number, total: number, used: number) => ({
    [`sys/class/drm/card${number}/device/mem_info_vram_total`]: `${total}\n`,
    [`sys/class/drm/card${number}/device/mem_info_vram_used`]: `${used}\n`,
  });
  const files = await machine({ ...card(0, 512, 100), ...card(1, 8 * gibibyte, gibibyte), 'sys/class/drm/card1-DP-1/status': 'connected' });
  expect(amdMemory(files)).toEqual({ total: 8 * gibibyte, free: 7 * gibibyte });
  expect(amdMemory({ root: '/nowhere' })).toBe(null);
});

it('knows what of its own memory no file stands behind', async () => {
  expect(ownMemory(await machine({ 'proc/self/status': 'VmRSS:\t  900 kB\nRssAnon:\t  600 kB\nRssFile:\t  300 kB\n' }))).toBe(600 * 1024);
  expect(ownMemory({ root: '/nowhere' })).toBeGreaterThan(2 ** 20);
});
