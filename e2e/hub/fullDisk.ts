import { execFileSync } from 'node:child_process';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { syntheticContent } from './content.ts';
import { tinyOnnx } from './model.ts';
import { createRig, differs, take } from './rig.ts';
import { startHub } from './server.ts';

/**
 * A disk that is really full: a file system of 3 MiB in memory takes a model of 6 MiB, is made larger, and the download
 * goes on. Linux, as root.
 *
 *     node e2e/hub/fullDisk.ts [folder to mount at]
 */
const folder = process.argv[2] ?? '/tmp/stopbath-small-disk';
const mount = (...options: string[]): void => void execFileSync('mount', options);
await mkdir(folder, { recursive: true });
mount('-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', folder);
try {
  const server = await startHub();
  const files = { ...tinyOnnx(), 'unet/model.onnx_data': syntheticContent(6 * 2 ** 20, 11) };
  server.put('owner/name', files);
  // The check before a download would refuse: another program may fill the disk after it.
  const rig = await createRig({ downloads: { free: () => Promise.resolve(2 ** 40) } }, { server, folder });
  const id = await take(rig, 'owner/name');
  const failed = await rig.until(id, 'failed', 'done');
  const part = (await readdir(join(folder, 'blobs'))).find((name) => name.endsWith('.part')) ?? '';
  const kept = (await stat(join(folder, 'blobs', part))).size;
  console.log(`full: ${failed.state}, ${JSON.stringify(failed.failure)}, ${kept} bytes kept; notices: ${JSON.stringify(rig.notices.map(({ message }) => message))}`);
  mount('-o', 'remount,size=20m', folder);
  server.seen.length = 0;
  await rig.downloads.resume(id);
  const done = await rig.until(id, 'failed', 'done');
  const wanted = Object.fromEntries(Object.entries(files).filter(([path]) => path.includes('/') || path === 'model_index.json'));
  const difference = await differs(rig.done[0]?.folder ?? '', wanted);
  const from = server.seen.filter(({ at, range }) => at === 'cdn' && range !== null).map(({ range }) => range);
  console.log(`larger: ${done.state}, went on with ${JSON.stringify(from)}, ${difference ?? 'every byte right'}`);
  await rig.downloads.close();
  await server.close();
  process.exitCode = failed.failure?.code === 'DISK_FULL' && kept > 0 && done.state === 'done' && difference === null ? 0 : 1;
} finally {
  execFileSync('umount', [folder]);
  await rm(folder, { recursive: true, force: true });
}
