import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createStderrTail, exitFailure } from './engineFailure.ts';
import { countOomKills } from './oomKills.ts';

describe('createStderrTail', () => {
  it('keeps the last 50 lines, however they were cut up', () => {
    const tail = createStderrTail();
    for (let line = 0; line < 200; line++) {
      tail.add(`line ${line} be`);
      tail.add(`gins\nand `);
      tail.add('ends\n');
    }
    const lines = tail.text().split('\n');
    expect(lines).toHaveLength(50);
    expect(lines.slice(0, 2)).toEqual(['line 175 begins', 'and ends']);
    expect(lines.at(-1)).toBe('and ends');
  });

  it('gives the line that is still being written, too', () => {
    const tail = createStderrTail();
    tail.add('first\nsecond');
    expect(tail.text()).toBe('first\nsecond');
  });
});

describe('exitFailure', () => {
  const killed = { code: null, signal: 'SIGKILL' };
  it.each([
    ['a SIGKILL while the kernel ran out of memory', killed, '', 'run', true, 'OUT_OF_MEMORY'],
    ['a SIGKILL where nobody can tell', killed, '', 'run', null, 'OUT_OF_MEMORY'],
    ['a SIGKILL of somebody else', killed, '', 'run', false, 'ENGINE_CRASH'],
    ['V8 out of memory', { code: 134, signal: null }, 'FATAL ERROR: JavaScript heap out of memory', 'run', false, 'OUT_OF_MEMORY'],
    ['a lost GPU', { code: 1, signal: null }, 'DXGI_ERROR_DEVICE_REMOVED', 'run', null, 'OUT_OF_MEMORY'],
    ['a native crash', { code: null, signal: 'SIGSEGV' }, '', 'run', true, 'ENGINE_CRASH'],
    ['a missing library', { code: 1, signal: null }, 'cannot open shared object', 'start', false, 'ENGINE_START'],
  ] as const)('%s', (_name, exit, stderr, phase, oomKilled, code) => {
    const failure = exitFailure({ exit, stderr, phase, oomKilled });
    expect(failure.code).toBe(code);
    expect(failure.detail).toContain(exit.signal ?? `exit code ${exit.code}`);
    expect(failure.detail).toContain(stderr);
  });
});

it("countOomKills reads the kernel's counter, and knows when there is none", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stopbath-oom-'));
  await writeFile(join(folder, 'vmstat'), 'pgfault 1\noom_kill 12\noom_kill_x 3\n');
  expect(countOomKills(join(folder, 'vmstat'))).toBe(12);
  expect(countOomKills(join(folder, 'none'))).toBeNull();
  await rm(folder, { recursive: true });
});
