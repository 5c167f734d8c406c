import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packFiles } from '../../../system/cudaLibraries.ts';
import { createNetwork } from '../../network/network.ts';
import { type Feed, type FeedFaults, type PackedFile, startFeed, zipOf } from '../testing/nugetServer.ts';
import { cudaSource } from './nuget.ts';
import { installPack, otherVersions, type PackOptions, packFolder, readPack, removePack } from './pack.ts';

const version = '1.30.0';
const shared = Buffer.from('the shared provider');
/** Does not compress, so that it is many pieces. */
const cuda = Buffer.from(Float64Array.from({ length: 60_000 }, (_, index) => Math.sin(index * 1.7)).buffer);
const [, sharedName, cudaName] = packFiles;
const members: readonly PackedFile[] = [
  { name: 'Microsoft.ML.OnnxRuntime.Gpu.Linux.nuspec', content: Buffer.from('<package/>') },
  { name: cudaSource.members[sharedName], content: shared },
  { name: cudaSource.members[cudaName], content: cuda },
  { name: '../../../escape.so', content: Buffer.from('must not be written') },
];

let folder: string;
let feed: Feed | null = null;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stopbath-pack-'));
  await mkdir(join(folder, 'runtime'));
  await writeFile(join(folder, 'runtime', packFiles[0]), 'the runtime');
});
afterEach(async () => {
  await feed?.close();
  feed = null;
  await rm(folder, { recursive: true });
});

async function optionsWith(archive: Buffer, faults: FeedFaults = {}, isOffline = false): Promise<PackOptions> {
  feed = await startFeed(archive, version, faults);
  const door = createNetwork({ isOffline: () => isOffline, hosts: [new URL(feed.index).host] });
  return { root: join(folder, 'cuda'), runtime: { version, folder: join(folder, 'runtime') }, door, index: feed.index };
}

const rootNames = async (): Promise<string[]> => (await readdir(join(folder, 'cuda')).catch(() => [])).sort();

describe('the NVIDIA pack', () => {
  it('names what the installer of onnxruntime-node names', () => {
    const require = createRequire(import.meta.url);
    const script = join(dirname(require.resolve('onnxruntime-node')), '..', 'script', 'install-metadata.js');
    const { manifests, packages, feeds, requirements } = require(script) as Record<string, Record<string, unknown>>;
    expect(requirements?.['linux/x64']).toEqual(['cuda12']);
    expect(manifests?.['linux/x64:cuda12']).toMatchObject({
      [`./${sharedName}`]: { package: 'nuget:linux/x64:cuda12', path: cudaSource.members[sharedName] },
      [`./${cudaName}`]: { package: 'nuget:linux/x64:cuda12', path: cudaSource.members[cudaName] },
    });
    expect(packages?.['nuget:linux/x64:cuda12']).toEqual({ name: cudaSource.name, versions: [{ feed: 'nuget', version }] });
    expect(feeds?.['nuget']).toEqual({ type: 'nuget', index: cudaSource.index });
  });

  it('is fetched, checked, unpacked beside a copy of the runtime, and nothing of the archive goes elsewhere', async () => {
    const options = await optionsWith(zipOf(members));
    expect(await readPack(options)).toEqual({ kind: 'absent' });
    const shares: number[] = [];
    await installPack(options, (share) => shares.push(share));
    const target = packFolder(options);
    expect(await readPack(options, true)).toEqual({ kind: 'installed', folder: target, bytes: 11 + shared.length + cuda.length });
    expect(await readFile(join(target, cudaName))).toEqual(cuda);
    expect(await readFile(join(target, packFiles[0]), 'utf8')).toBe('the runtime');
    expect((await readdir(target)).sort()).toEqual([...packFiles, 'pack.json'].sort());
    expect(await rootNames()).toEqual([version]);
    expect((await readdir(folder)).sort()).toEqual(['cuda', 'runtime']);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
    await removePack(options);
    expect(await readPack(options)).toEqual({ kind: 'absent' });
    expect(await rootNames()).toEqual([]);
  });

  it('survives an update of the app: another version has a folder of its own', async () => {
    const options = await optionsWith(zipOf(members));
    await installPack(options, () => undefined);
    const newer = { ...options, runtime: { ...options.runtime, version: '1.31.0' } };
    expect(await readPack(newer)).toEqual({ kind: 'absent' });
    expect(await otherVersions(newer)).toEqual([version]);
    expect((await readPack(options)).kind).toBe('installed');
  });

  it('goes on where a fetch broke off', async () => {
    const archive = zipOf(members);
    const options = await optionsWith(archive, { breakAfter: 100_000 });
    await expect(installPack(options, () => undefined)).rejects.toMatchObject({ code: 'NETWORK' });
    expect(await rootNames()).toEqual([`${version}.nupkg.part`]);
    const kept = (await readFile(join(folder, 'cuda', `${version}.nupkg.part`))).length;
    expect(kept).toBeGreaterThan(0);
    await installPack(options, () => undefined);
    expect((await readPack(options, true)).kind).toBe('installed');
    expect(feed?.requests.at(-1)).toMatch(new RegExp(`nupkg bytes=${kept}-$`));
  });

  it('begins anew where the server knows no ranges', async () => {
    const archive = zipOf(members);
    const options = await optionsWith(archive, { noRanges: true });
    await mkdir(options.root);
    await writeFile(join(options.root, `${version}.nupkg.part`), archive.subarray(0, 5000));
    await installPack(options, () => undefined);
    expect((await readPack(options, true)).kind).toBe('installed');
  });

  it('a part with other bytes is thrown away by its hash, and the next installation is whole', async () => {
    const archive = zipOf(members);
    const options = await optionsWith(archive);
    await mkdir(options.root);
    await writeFile(join(options.root, `${version}.nupkg.part`), Buffer.alloc(5000, 7));
    await expect(installPack(options, () => undefined)).rejects.toMatchObject({ code: 'DOWNLOAD', message: expect.stringContaining('hash') as unknown });
    await installPack(options, () => undefined);
    expect((await readPack(options, true)).kind).toBe('installed');
  });

  it.each<[string, FeedFaults, object]>([
    ['another hash', { hash: 'AAAA' }, { code: 'DOWNLOAD' }],
    ['more bytes than listed', { bytes: 1000 }, { code: 'DOWNLOAD' }],
    ['fewer bytes than listed', { bytes: 10_000_000 }, { code: 'NETWORK' }],
    ['an absurd size', { bytes: 5e12 }, { code: 'DOWNLOAD' }],
    ['a package of another version', { version: '1.29.0' }, { code: 'DOWNLOAD', detail: expect.stringContaining('1.29.0') as unknown }],
    ['no such version', { noLeaf: true }, { code: 'NOT_FOUND' }],
    ['a sign-in page', { html: true }, { code: 'DOWNLOAD', nextStep: expect.stringContaining('proxy') as unknown }],
    ['429', { status: 429 }, { code: 'NETWORK', message: expect.stringContaining('429') as unknown }],
    ['500', { status: 500 }, { code: 'NETWORK' }],
  ])('%s is an error, and no pack', async (_what, faults, failure) => {
    const options = await optionsWith(zipOf(members), faults);
    await expect(installPack(options, () => undefined)).rejects.toMatchObject(failure);
    expect(await readPack(options)).toEqual({ kind: 'absent' });
  });

  it('asks nothing when the app is offline', async () => {
    const options = await optionsWith(zipOf(members), {}, true);
    await expect(installPack(options, () => undefined)).rejects.toMatchObject({ code: 'OFFLINE' });
    expect(feed?.requests).toEqual([]);
  });

  it('comes from a file of the person, without a request', async () => {
    const options = await optionsWith(zipOf(members), {}, true);
    const file = join(folder, 'brought.nupkg');
    await writeFile(file, zipOf(members));
    await installPack(options, () => undefined, undefined, file);
    expect((await readPack(options, true)).kind).toBe('installed');
    expect(feed?.requests).toEqual([]);
    expect((await readFile(file)).length).toBeGreaterThan(0);
  });

  const replaced = (lie: PackedFile['lie']): Buffer => zipOf(members.map((file) => (file.name === cudaSource.members[cudaName] ? { ...file, ...(lie === undefined ? {} : { lie }) } : file)));
  it.each<[string, () => Buffer]>([
    ['says it is smaller', () => replaced({ bytes: 100 })],
    ['says it is larger', () => replaced({ bytes: cuda.length + 1 })],
    ['says it is enormous', () => replaced({ bytes: 0xffffffff })],
    ['has another checksum', () => replaced({ crc: 1 })],
    ['is packed in an unknown way', () => replaced({ method: 12 })],
    ['is encrypted', () => replaced({ flags: 1 })],
    ['lies outside of the archive', () => replaced({ offset: 0x7ffffff0 })],
    ['lies at another place', () => replaced({ offset: 3 })],
    ['is missing', () => zipOf(members.slice(0, 2))],
    ['has its name with ..', () => zipOf(members.map((file) => ({ ...file, name: `../${file.name}` })))],
    ['is in no archive', () => Buffer.from('no archive at all, only a text that is long enough to be one')],
    ['is in an empty file', () => Buffer.alloc(0)],
    ['is in an archive that is cut off', () => zipOf(members).subarray(0, -30)],
    ['is in an archive without its beginning', () => zipOf(members).subarray(1000)],
  ])('a library that %s makes no pack', async (_what, archive) => {
    const options = await optionsWith(zipOf(members));
    const file = join(folder, 'bad.nupkg');
    await writeFile(file, archive());
    await expect(installPack(options, () => undefined, undefined, file)).rejects.toMatchObject({ code: 'UNSAFE_FILE' });
    expect(await rootNames()).toEqual([]);
  });

  it.each<[string, (target: string) => Promise<unknown>, RegExp]>([
    ['a library is gone', (target) => rm(join(target, cudaName)), /providers_cuda\.so is missing/],
    ['a library is cut off', (target) => truncate(join(target, cudaName), 100), /another size/],
    ['a library has other bytes', (target) => writeFile(join(target, cudaName), Buffer.alloc(cuda.length, 1)), /another content/],
    ['its list is damaged', (target) => writeFile(join(target, 'pack.json'), '{'), /pack\.json/],
    ['it is of another version', (target) => writeFile(join(target, 'pack.json'), JSON.stringify({ version: '1.0.0', source: '', files: [] })), /version 1\.0\.0/],
  ])('is broken when %s, and whole again after an installation', async (_what, damage, problem) => {
    const options = await optionsWith(zipOf(members));
    await installPack(options, () => undefined);
    await damage(packFolder(options));
    expect(await readPack(options, true)).toMatchObject({ kind: 'broken', problem: expect.stringMatching(problem) as unknown });
    await installPack(options, () => undefined);
    expect((await readPack(options, true)).kind).toBe('installed');
  });

  it('one command does the same without the app', async () => {
    const { index } = await optionsWith(zipOf(members));
    const cli = fileURLToPath(new URL('cli.ts', import.meta.url));
    const run = (...args: string[]) => promisify(execFile)(process.execPath, [cli, '--data', folder, ...args]).catch((error: unknown) => error as { stdout: string; code: number });
    const { stdout } = await run('--feed', index ?? '');
    expect(stdout).toMatch(/^\d+ %\n[^]*100 %/);
    expect(stdout).toMatch(/fine {4}The NVIDIA libraries of ONNX Runtime are in/);
    expect((await run('--check')).stdout).toContain('fine    The NVIDIA libraries');
    expect((await run('--remove')).stdout).toContain('are not installed');
  });
});
