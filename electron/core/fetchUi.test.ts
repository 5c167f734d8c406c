import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFetchUi, type FetchUi } from './fetchUi.ts';

let folder = '';
let fetchUi: FetchUi;
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
  fetchUi = createFetchUi({
    folder: join(folder, 'ui'),
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
