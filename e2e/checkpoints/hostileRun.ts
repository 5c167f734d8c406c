import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openCheckpoint } from '../../electron/engine/graph/openCheckpoint.ts';
import { clipMerges } from './fixtures.ts';
import { hostileCases, placeFor } from './hostileCases.ts';

/** Opens every file of hostileCases.ts and says what that took: node e2e/checkpoints/hostileRun.ts. More than a second is a failure. */
const root = await mkdtemp(path.join(tmpdir(), 'stopbath-hostile-'));
const taken: { name: string; ms: number; processorMs: number; megabytes: number }[] = [];
for (const [index, { name, write, options }] of hostileCases.entries()) {
  const place = await placeFor(root, index);
  const source = await write(place);
  const more = await options?.(place);
  globalThis.gc?.();
  const [before, begun, used] = [process.memoryUsage().rss, performance.now(), process.cpuUsage()];
  await openCheckpoint(source, { store: path.join(root, 'store', String(index)), vocabulary: clipMerges, ...more }).catch(() => undefined);
  const ms = performance.now() - begun;
  const { user, system } = process.cpuUsage(used);
  taken.push({ name, ms, processorMs: (user + system) / 1000, megabytes: (process.memoryUsage().rss - before) / 1e6 });
  await rm(place, { recursive: true, force: true });
}
await rm(root, { recursive: true, force: true });
const slowest = [...taken].sort((a, b) => b.ms - a.ms).slice(0, 5);
console.log(`${taken.length} files; all together ${taken.reduce((sum, { ms }) => sum + ms, 0).toFixed(0)} ms`);
for (const { name, ms, processorMs, megabytes } of slowest) console.log(`${ms.toFixed(0)} ms (${processorMs.toFixed(0)} of the processor), ${megabytes.toFixed(0)} MB: ${name}`);
const largest = Math.max(...taken.map(({ megabytes }) => megabytes));
console.log(`most memory ${largest.toFixed(0)} MB`);
if (taken.some(({ processorMs }) => processorMs > 1000)) process.exitCode = 1;
