import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sweepTemporary, writeFileAtomic } from './files.ts';

it('sweeps what a killed app left half-written, and nothing else', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stopbath-files-'));
  try {
    await writeFileAtomic(join(folder, 'queue.json'), '{}');
    // As a kill between the write and the rename leaves it.
    await writeFile(join(folder, 'queue.json.12217-8.tmp'), '{"ha');
    await writeFile(join(folder, 'notes.tmp'), 'of a person');
    await sweepTemporary(folder);
    expect((await readdir(folder)).sort()).toEqual(['notes.tmp', 'queue.json']);
    await expect(sweepTemporary(join(folder, 'none'))).resolves.toBeUndefined();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
