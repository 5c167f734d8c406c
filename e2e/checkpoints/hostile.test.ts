import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openCheckpoint } from '../../electron/engine/graph/openCheckpoint.ts';
import { toFailure } from '../../shared/errors.ts';
import { clipMerges } from './fixtures.ts';
import { hostileCases, placeFor } from './hostileCases.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'stopbath-hostile-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const said = new Map<string, string>();

it.each(hostileCases.map((one, index) => ({ ...one, index })))('$name', async ({ write, options, code, says, index, name }) => {
  const place = await placeFor(root, index);
  const store = path.join(root, 'store', String(index));
  const source = await write(place);
  const failure = await openCheckpoint(source, { store, vocabulary: clipMerges, ...(await options?.(place)) }).then(
    () => null,
    (error: unknown) => toFailure(error),
  );
  expect(failure?.message).toMatch(says);
  expect(failure?.code).toBe(code);
  expect(failure?.nextStep ?? '', 'what to do').not.toBe('');
  // A message of its own, whatever the file is called.
  const message = failure?.message.replaceAll(place, '') ?? '';
  expect(said.get(message), 'the same is said of another file').toBeUndefined();
  said.set(message, name);
  // Nothing is left behind.
  const left = await readdir(store).catch(() => []);
  expect(left.filter((entry) => !entry.startsWith('.clip'))).toEqual([]);
  await rm(place, { recursive: true, force: true });
});

it('is a table of more than sixty', () => {
  expect(said.size).toBeGreaterThan(120);
});
