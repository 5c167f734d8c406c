import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StopbathError } from '../../shared/errors.ts';
import { createFetchUi, type FetchUi } from './fetchUi.ts';
import { maxInputBody } from './inputs.ts';

let folder = '';
let fetchUi: FetchUi;
let taken: Uint8Array[] = [];
const id = 'ab'.repeat(32);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stopbath-ui-'));
  await mkdir(join(folder, 'ui', 'assets'), { recursive: true });
  await writeFile(join(folder, 'ui', 'index.html'), '<!doctype html>');
  await writeFile(join(folder, 'ui', 'assets', 'index-abc123.js'), 'export {}');
  await writeFile(join(folder, 'ui', 'favicon.svg'), '<svg/>');
  await writeFile(join(folder, 'ui', '.secret.txt'), 'no');
  await writeFile(join(folder, 'secret.txt'), 'no');
  await symlink(join(folder, 'secret.txt'), join(folder, 'ui', 'assets', 'link.txt'));
  await writeFile(join(folder, 'kept.png'), 'pixels');
  taken = [];
  fetchUi = createFetchUi({
    folder: join(folder, 'ui'),
    inputs: {
      add: (bytes) => {
        taken.push(bytes);
        return bytes.length > 0
          ? Promise.resolve({ id, width: 3, height: 2 })
          : Promise.reject(new StopbathError({ code: 'INVALID_INPUT', message: 'image: The file is empty.', field: 'image' }));
      },
      png: (asked) => Promise.resolve(asked === id ? new Uint8Array([1, 2]) : null),
    },
    library: { path: (id) => (id === 'a b' ? Promise.resolve(join(folder, 'kept.png')) : Promise.reject(new Error('none'))) },
    previews: { png: (job, step) => Promise.resolve(job === 'j' && step === 3 ? Buffer.from('small') : null) },
  });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Both hosts' addresses: `app:` is not a special scheme, so its paths are normalised less. */
const bases = ['http://127.0.0.1:1', 'app://stopbath'];

function get(path: string, base = 'http://127.0.0.1:1', method = 'GET'): Promise<Response> {
  return fetchUi(new Request(base + path, { method }));
}

it.each(bases)('serves the interface at %s', async (base) => {
  const page = await get('/', base);
  expect(page.status).toBe(200);
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(page.headers.get('cache-control')).toBe('no-cache');
  const script = await get('/assets/index-abc123.js', base);
  expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  expect(script.headers.get('cache-control')).toContain('immutable');
  expect((await get('/favicon.svg', base)).headers.get('content-type')).toBe('image/svg+xml');
});

it.each([
  '/../secret.txt',
  '/..%2fsecret.txt',
  '/%2e%2e/secret.txt',
  '/assets/..%2f..%2fsecret.txt',
  '/assets/%2e%2e%2f%2e%2e%2fsecret.txt',
  '/..\\secret.txt',
  '/..%5csecret.txt',
  '/assets/..%5c..%5csecret.txt',
  '/%00secret.txt',
  '/%',
  '/%c0%ae%c0%ae/secret.txt',
  '//secret.txt',
  '/assets/link.txt',
  '/.secret.txt',
  '/assets',
  '/secret.txt',
  '/pictures/..%2f..%2fsecret.txt',
  '/pictures/%2e%2e/kept.png',
  '/pictures/a%20b.png/..',
  '/runs/j/3.png/../../../secret.txt',
  '/runs/..%2f..%2fsecret/3.png',
  '/runs/j/3.png%00.txt',
  '/inputs',
  '/inputs/',
  '/inputs/%2e%2e/secret.txt',
  '/inputs/..%2fsecret.txt',
  `/inputs/${id}`,
  `/inputs/${id}.png/x`,
  `/inputs/${'AB'.repeat(32)}.png`,
])('serves nothing for %s', async (path) => {
  for (const base of bases) {
    const response = await get(path, base);
    expect([400, 404], `${base}${path}`).toContain(response.status);
    expect(await response.text()).not.toBe('no');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
  }
});

it('serves pictures and step previews', async () => {
  const picture = await get('/pictures/a%20b.png');
  expect(await picture.text()).toBe('pixels');
  expect(picture.headers.get('content-disposition')).toBeNull();
  expect((await get('/pictures/a%20b.png?download=1')).headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''kept.png");
  expect(await (await get('/runs/j/3.png?source=decoder')).text()).toBe('small');
  expect((await get('/runs/j/3.png?source=other')).status).toBe(404);
  expect((await get('/runs/j/4.png')).status).toBe(404);
});

it('answers HEAD without a body, and no other method', async () => {
  const head = await get('/', undefined, 'HEAD');
  expect(head.status).toBe(200);
  expect(await head.text()).toBe('');
  expect(head.headers.get('content-type')).toContain('text/html');
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) expect((await get('/', undefined, method)).status).toBe(405);
});

describe('pictures that runs start from', () => {
  function post(body: NonNullable<RequestInit['body']> | null, headers: Record<string, string> = { 'content-type': 'image/png' }, base = 'http://127.0.0.1:1'): Promise<Response> {
    return fetchUi(new Request(`${base}/inputs`, { method: 'POST', body, headers, ...(body instanceof ReadableStream ? { duplex: 'half' } : {}) }));
  }

  it.each(bases)('are taken in at %s, and served unchanged for ever', async (base) => {
    const response = await post(new Blob([new Uint8Array([9, 8, 7])]), { 'content-type': 'image/png' }, base);
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({ id, width: 3, height: 2 });
    expect(taken.map((bytes) => [...bytes])).toEqual([[9, 8, 7]]);
    const stored = await get(`/inputs/${id}.png`, base);
    expect([...new Uint8Array(await stored.arrayBuffer())]).toEqual([1, 2]);
    expect(stored.headers.get('content-type')).toBe('image/png');
    expect(stored.headers.get('cache-control')).toContain('immutable');
  });

  it('are refused with the reason, under the whole policy', async () => {
    const response = await post(new Uint8Array());
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ code: 'INVALID_INPUT', field: 'image' });
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  it('are refused unread when they are called something else', async () => {
    for (const type of ['text/plain', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded', 'image/png; x=y', 'image/jpeg', '']) {
      const response = await post(new Uint8Array([1]), type === '' ? {} : { 'content-type': type });
      expect(response.status, type).toBe(415);
    }
    expect(taken).toEqual([]);
  });

  it('are refused when they are too large, and never read to the end', async () => {
    expect((await post(null, { 'content-type': 'image/png', 'content-length': String(maxInputBody + 1) })).status).toBe(413);
    let sent = 0;
    const endless = new ReadableStream({
      pull: (controller) => {
        sent += 1024 * 1024;
        controller.enqueue(new Uint8Array(1024 * 1024));
      },
    });
    const response = await post(endless);
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: 'INVALID_INPUT', field: 'image' });
    expect(sent).toBeLessThan(maxInputBody + 4 * 1024 * 1024);
    expect(taken).toEqual([]);
  });

  it('are taken in nowhere else, and by no other method', async () => {
    for (const path of ['/inputs/', `/inputs/${id}.png`, '/inputs/x', '/pictures']) expect((await get(path, undefined, 'POST')).status, path).toBe(405);
    for (const method of ['PUT', 'DELETE', 'PATCH']) expect((await get('/inputs', undefined, method)).status).toBe(405);
    expect(taken).toEqual([]);
  });
});

it('sends the whole policy with every answer', async () => {
  for (const path of ['/', '/assets/index-abc123.js', '/nothing.txt', '/pictures/a%20b.png', '/runs/j/3.png', '/%']) {
    const { headers } = await get(path);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("require-trusted-types-for 'script'; trusted-types 'none'");
    expect(policy).not.toContain('unsafe');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(headers.get('cross-origin-embedder-policy')).toBe('require-corp');
  }
});

it('says so when the interface is not built', async () => {
  await rm(join(folder, 'ui'), { recursive: true });
  expect((await get('/')).status).toBe(503);
});
