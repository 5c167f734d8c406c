import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeFileAtomic } from './files.ts';
import type { SecretKeeper } from './host.ts';
import { openSecret } from './secret.ts';

let folder = '';
let file = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stopbath-'));
  file = join(folder, 'token.bin');
});
afterEach(() => rm(folder, { recursive: true }));

function keeper(isSafe = true): SecretKeeper {
  const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte ^ 0x5a);
  return {
    isSafe: () => Promise.resolve(isSafe),
    encrypt: (text) => Promise.resolve(flip(Buffer.from(text))),
    decrypt: (bytes) => Promise.resolve(Buffer.from(flip(bytes)).toString()),
  };
}

it('keeps a secret encrypted over a restart, and forgets it', async () => {
  const secret = await openSecret({ file, write: writeFileAtomic, keeper: keeper() });
  expect([secret.get(), await secret.isSafe()]).toEqual([null, true]);
  await secret.set('hf_abc');
  expect(await readFile(file, 'utf8')).not.toContain('hf_abc');
  const next = await openSecret({ file, write: writeFileAtomic, keeper: keeper() });
  expect(next.get()).toBe('hf_abc');
  await next.set(null);
  await expect(readFile(file)).rejects.toMatchObject({ code: 'ENOENT' });
  expect((await openSecret({ file, write: writeFileAtomic, keeper: keeper() })).get()).toBeNull();
});

it.each([null, keeper(false)])('keeps it in memory only where nothing protects it', async (unsafe) => {
  const secret = await openSecret({ file, write: writeFileAtomic, keeper: unsafe });
  await secret.set('hf_abc');
  expect([secret.get(), await secret.isSafe()]).toEqual(['hf_abc', false]);
  await expect(readFile(file)).rejects.toMatchObject({ code: 'ENOENT' });
});

it('asks the system for nothing before there is a secret', async () => {
  let asked = 0;
  const counting = { ...keeper(), isSafe: () => Promise.resolve(++asked > 0) };
  const secret = await openSecret({ file, write: writeFileAtomic, keeper: counting });
  expect([secret.get(), asked]).toEqual([null, 0]);
});

it('is without one where the file is of another machine, and says when it cannot be saved', async () => {
  await writeFile(file, 'locked');
  const broken = { ...keeper(), decrypt: () => Promise.reject(new Error('another key')) };
  const secret = await openSecret({ file, write: () => Promise.reject(Object.assign(new Error(), { code: 'ENOSPC' })), keeper: broken });
  expect(secret.get()).toBeNull();
  await expect(secret.set('hf_abc')).rejects.toMatchObject({ code: 'DISK_FULL' });
  // It counts for this session all the same.
  expect(secret.get()).toBe('hf_abc');
});

it('forgets a secret of before where the system protects nothing any more', async () => {
  await writeFile(file, 'x');
  const secret = await openSecret({ file, write: writeFileAtomic, keeper: keeper(false) });
  expect(secret.get()).toBeNull();
  await secret.set('a');
  await secret.set(null);
  await expect(readFile(file)).rejects.toMatchObject({ code: 'ENOENT' });
});
