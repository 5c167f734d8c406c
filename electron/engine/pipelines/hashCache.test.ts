import { mkdtemp, readdir, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, vi } from 'vitest';
import { hashPart } from './modelFolder.ts';

it('the hash of large weights outlives the process that worked it out, and no change of the file', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'stopbath-hash-'));
  const file = path.join(folder, 'model.onnx');
  // Sparse: only its length is on disk.
  await writeFile(file, 'weights');
  await truncate(file, 65 * 1024 * 1024);
  const cache = path.join(folder, 'cache');
  const first = await hashPart({ file, dataFiles: [] }, cache);
  const [kept = ''] = await readdir(path.join(cache, 'hashes'));
  // Another process knows nothing but what is on disk.
  await writeFile(path.join(cache, 'hashes', kept), 'a'.repeat(64));
  vi.resetModules();
  const fresh = await import('./modelFolder.ts');
  expect(await fresh.hashPart({ file, dataFiles: [] }, cache)).toBe('a'.repeat(64));
  await writeFile(path.join(cache, 'hashes', kept), 'no hash');
  expect(await fresh.hashPart({ file, dataFiles: [] }, cache)).toBe(first);
  await utimes(file, 1, 1);
  expect(await fresh.hashPart({ file, dataFiles: [] }, cache)).toBe(first);
  expect(await readdir(path.join(cache, 'hashes'))).toHaveLength(2);
  await rm(folder, { recursive: true });
});
