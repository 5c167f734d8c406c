import { afterEach, describe, expect, it } from 'vitest';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Content } from '../../../e2e/hub/content.ts';
import type { Fault, Misdeed } from '../../../e2e/hub/faults.ts';
import { tinyOnnx } from '../../../e2e/hub/model.ts';
import { createRig, differs, take, type Rig, type RigOptions } from '../../../e2e/hub/rig.ts';
import type { ErrorCode } from '../../../shared/errors.ts';
import { openPart, type OpenPart } from './partFile.ts';

let rig: Rig;
afterEach(() => rig.close());

/** Large enough for several pieces of the server. */
const files = tinyOnnx(40_000);
const wanted: Record<string, Content> = Object.fromEntries(Object.entries(files).filter(([path]) => path.includes('/') || path === 'model_index.json'));
const big = files['unet/model.onnx_data'];
if (big === undefined) throw new Error('the model has no big file');
const bigPart = `sha256-${big.sha256}.part`;

async function begin(faults: Fault[], options: RigOptions = {}): Promise<string> {
  rig = await createRig(options);
  rig.server.put('owner/name', files);
  rig.server.faults.push(...faults);
  return await take(rig, 'owner/name');
}

const cdn = (does: Misdeed, more: Partial<Fault> = {}): Fault => ({ at: 'cdn', path: big.sha256, times: 1, does, ...more });
const answer = (status: number, headers: Record<string, string> = {}): Misdeed => ({ kind: 'answer', status, headers });
/** Some of the file comes, for sure: a connection that is reset may lose what was not read yet. */
const cut: Misdeed = { kind: 'stall', afterBytes: 50_000 };
/** Requests for the big file. */
const asked = (): Rig['server']['seen'] => rig.server.seen.filter(({ at, path }) => at === 'cdn' && path.includes(big.sha256));

describe('faults that pass', () => {
  const rows: { name: string; faults: Fault[]; requests: number; check?: () => void }[] = [
    { name: 'a connection that is reset', faults: [cdn({ kind: 'reset', afterBytes: 50_000 })], requests: 2 },
    { name: 'a server that falls silent is left after a while, and asked for the rest', faults: [cdn(cut)], requests: 2, check: () => expect(asked()[1]).toMatchObject({ range: 'bytes=50000-', ifRange: `"${big.sha256}"` }) },
    { name: 'more breaks than there are retries, each after some bytes', faults: [cdn({ kind: 'stall', afterBytes: 1000 }, { times: 5 })], requests: 6 },
    { name: '429 with Retry-After', faults: [cdn(answer(429, { 'retry-after': '0' }), { times: 2 })], requests: 3 },
    { name: '429 with the hub\'s own header', faults: [{ ...cdn(answer(429, { ratelimit: '"resolvers";r=0;t=0' })), at: 'resolve', path: 'unet/model.onnx_data' }], requests: 1 },
    { name: '500, 502 and 503', faults: [cdn(answer(500)), cdn(answer(502)), cdn(answer(503))], requests: 4 },
    { name: 'a signature that has run out: the hub gives a new one', faults: [cdn(answer(403))], requests: 2 },
    { name: 'a server that ignores Range begins anew', faults: [cdn(cut), cdn({ kind: 'ignore-range' }, { onlyRanges: true })], requests: 2 },
    { name: 'a file that changed in between begins anew', faults: [cdn(cut), cdn({ kind: 'other-etag', etag: '"other"' }, { onlyRanges: true })], requests: 2 },
    { name: 'a 206 from another place is not believed', faults: [cdn(cut), cdn({ kind: 'wrong-range' }, { onlyRanges: true })], requests: 3 },
    { name: '416 begins anew', faults: [cdn(cut), cdn(answer(416), { onlyRanges: true })], requests: 3 },
    { name: 'no ETag: continued all the same, the hash decides', faults: [cdn({ kind: 'no-etag' }), cdn(cut)], requests: 1 },
    { name: 'a flipped bit: thrown away and fetched once more', faults: [cdn({ kind: 'corrupt', byte: 60_000 })], requests: 2, check: () => expect(asked()[1]?.range).toBeNull() },
    { name: 'more bytes than there should be: thrown away and fetched once more', faults: [cdn({ kind: 'too-long', bytes: 10 })], requests: 2 },
  ];
  it.each(rows)('$name', async ({ faults, requests, check }) => {
    const id = await begin(faults);
    const end = await rig.until(id, 'done', 'failed');
    expect(end).toMatchObject({ state: 'done', failure: null });
    expect(await differs(rig.done[0]?.folder ?? '', wanted)).toBeNull();
    expect(asked().length).toBeGreaterThanOrEqual(requests);
    check?.();
    expect((await readdir(join(rig.folder, 'blobs'))).filter((name) => /part|etag/.test(name))).toEqual([]);
  });
});

describe('faults that stay', () => {
  const page: Misdeed = { kind: 'answer', status: 200, headers: { 'content-type': 'text/html' }, body: '<h1>Log in</h1>' };
  const rows: { name: string; faults: Fault[]; code: ErrorCode; says: RegExp; next: RegExp; keeps: boolean; token?: string }[] = [
    { name: 'a hash that is always wrong', faults: [cdn({ kind: 'corrupt', byte: 9 }, { times: 99 })], code: 'DOWNLOAD', says: /unet\/model\.onnx_data came damaged twice: its hash is another/, next: /proxy or a virus scanner/, keeps: false },
    { name: 'a log-in page instead of the file', faults: [cdn(cut), cdn(page, { times: 99 })], code: 'NETWORK', says: /sent a page instead of the file/, next: /asks to log in/, keeps: true },
    { name: 'another length than the list says', faults: [cdn(cut), cdn({ ...page, headers: { 'content-length': '15' } }, { times: 99 })], code: 'NETWORK', says: /sent 15 bytes instead of the file/, next: /proxy/, keeps: true },
    { name: 'always 500', faults: [cdn(cut), cdn(answer(500), { times: 99 })], code: 'NETWORK', says: /problem of its own \(500\)/, next: /Try again/, keeps: true },
    { name: 'always 429', faults: [cdn(cut), cdn(answer(429), { times: 99 })], code: 'NETWORK', says: /too many requests/, next: /with a token it allows more/, keeps: true },
    { name: 'terms that are not accepted any more', faults: [{ at: 'resolve', path: 'unet/model.onnx_data', does: answer(403, { 'x-error-code': 'GatedRepo' }) }], code: 'ACCESS_DENIED', says: /accept its terms/, next: /accept the terms, then enter a token/, keeps: false },
    { name: 'a token that is not good for it', faults: [{ at: 'resolve', path: 'unet/model.onnx_data', does: answer(401) }], code: 'ACCESS_DENIED', says: /refused your token/, next: /Make a new token/, keeps: false, token: 'hf_good' },
    { name: 'a file that is gone', faults: [{ at: 'resolve', path: 'unet/model.onnx_data', does: answer(404, { 'x-error-code': 'EntryNotFound' }) }], code: 'NOT_FOUND', says: /no longer there/, next: /Look at the model again/, keeps: false },
    { name: 'a redirect to a host that is none of the hub', faults: [{ at: 'resolve', path: 'unet/model.onnx_data', does: { kind: 'redirect', to: 'https://evil.example/x' } }], code: 'NETWORK', says: /evil\.example is none of the hosts/, next: /./, keeps: false },
    { name: 'a redirect that leaves encryption', faults: [{ at: 'resolve', path: 'unet/model.onnx_data', does: { kind: 'redirect', to: 'http://cdn-lfs.hf.co/x' } }], code: 'NETWORK', says: /encrypted connections only/, next: /./, keeps: false },
    { name: 'a circle of redirects', faults: [{ at: 'resolve', path: 'unet/model.onnx_data', does: { kind: 'redirect', to: '/owner/name/resolve/main/unet/model.onnx_data' } }], code: 'NETWORK', says: /More than 5 redirects/, next: /./, keeps: false },
  ];
  it.each(rows)('$name', async ({ faults, code, says, next, keeps, token = null }) => {
    rig = await createRig();
    rig.server.put('owner/name', files);
    if (token !== null) rig.server.tokens.add(token);
    rig.token = token;
    rig.server.faults.push(...faults);
    const id = await take(rig, 'owner/name');
    const end = await rig.until(id, 'done', 'failed');
    expect(end.failure).toMatchObject({ code, message: expect.stringMatching(says), nextStep: expect.stringMatching(next) });
    expect(rig.done).toEqual([]);
    expect((await readdir(join(rig.folder, 'models')))).toEqual([]);
    if (keeps) expect((await stat(join(rig.folder, 'blobs', bigPart))).size).toBeGreaterThan(0);
    // The rest of the app goes on, and so does the download once the fault is gone.
    rig.server.faults.length = 0;
    await rig.downloads.resume(id);
    expect(await rig.until(id, 'done', 'failed')).toMatchObject({ state: 'done', failure: null });
    expect(await differs(rig.done[0]?.folder ?? '', wanted)).toBeNull();
  });
});

it('keeps what is there when the disk fills up, and goes on when there is room', async () => {
  let room = 90_000;
  const small: OpenPart = async (path) => {
    const file = await openPart(path);
    return {
      ...file,
      write: async (bytes, position) => {
        const fits = bytes.subarray(0, Math.max(0, room - position));
        await file.write(fits, position);
        if (fits.byteLength < bytes.byteLength) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      },
    };
  };
  const id = await begin([], { downloads: { openPart: small } });
  const end = await rig.until(id, 'failed');
  expect(end.failure).toMatchObject({ code: 'DISK_FULL', message: expect.stringContaining('unet/model.onnx_data'), nextStep: expect.stringContaining('what is here is kept') });
  const kept = (await stat(join(rig.folder, 'blobs', bigPart))).size;
  expect(kept).toBe(90_000);
  room = 1e9;
  rig.server.seen.length = 0;
  await rig.downloads.resume(id);
  expect(await rig.until(id, 'done', 'failed')).toMatchObject({ state: 'done' });
  expect(asked().map(({ range }) => range)).toEqual([`bytes=${kept}-`]);
});

it('refuses before anything is fetched when there is no room', async () => {
  await expect(begin([], { downloads: { free: () => Promise.resolve(64 * 2 ** 20 + 1000) } })).rejects.toMatchObject({ code: 'DISK_FULL', message: expect.stringMatching(/needs 1 MB more on the disk, and 68 MB are free/) });
  expect(rig.server.seen.filter(({ at }) => at !== 'api')).toEqual([]);
});

it('goes on with a new token after the old one was revoked in the middle', async () => {
  rig = await createRig();
  rig.server.put('owner/name', files, { isPrivate: true });
  rig.server.tokens.add('hf_old');
  rig.token = 'hf_old';
  rig.server.bytesPerSecond = 400_000;
  const id = await take(rig, 'owner/name');
  while (asked().length === 0) await new Promise((done) => setTimeout(done, 2));
  rig.server.tokens.delete('hf_old');
  rig.server.faults.push(cdn({ kind: 'reset', afterBytes: 1 }, { times: 99 }));
  await rig.downloads.pause(id);
  await rig.downloads.resume(id);
  const end = await rig.until(id, 'failed');
  expect(end.failure).toMatchObject({ code: 'ACCESS_DENIED', nextStep: expect.stringContaining('Make a new token') });
  rig.server.faults.length = 0;
  rig.server.tokens.add('hf_new');
  rig.token = 'hf_new';
  await rig.downloads.resume(id);
  expect(await rig.until(id, 'done', 'failed')).toMatchObject({ state: 'done' });
});

it('throws away a part that another program made longer than the file, or altered', async () => {
  for (const [bytes, requests] of [[Buffer.alloc(big.bytes + 5), [null]], [Buffer.alloc(big.bytes), [null]], [Buffer.alloc(70_000), ['bytes=70000-', null]]] as const) {
    rig = await createRig();
    rig.server.put('owner/name', files);
    await rig.downloads.look('owner/name');
    await writeFile(join(rig.folder, 'blobs', bigPart), bytes);
    const id = await take(rig, 'owner/name');
    expect(await rig.until(id, 'done', 'failed')).toMatchObject({ state: 'done' });
    expect(asked().map(({ range }) => range)).toEqual(requests);
    expect(await differs(rig.done[0]?.folder ?? '', wanted)).toBeNull();
    if (bytes.length !== 70_000) await rig.close();
  }
});
