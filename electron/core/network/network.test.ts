import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { contentOf } from '../../../e2e/hub/content.ts';
import { startHub, type TestHub } from '../../../e2e/hub/server.ts';
import type { NetworkEntry } from '../../../shared/models.ts';
import { isAllowedHost, placesFrom, publicHosts } from './allowedHosts.ts';
import { limited } from './limitedBody.ts';
import { createNetwork, type Network, type NetworkOptions } from './network.ts';
import { withoutSecrets } from './redact.ts';

let server: TestHub;
let entries: NetworkEntry[];
beforeEach(async () => {
  server = await startHub();
  server.put('owner/name', { 'big.onnx': contentOf('x'.repeat(50_000)), 'small.json': '{}' });
  entries = [];
});
afterEach(() => server.close());

const open = (more: Partial<NetworkOptions> = {}): Network =>
  createNetwork({ isOffline: () => false, hosts: placesFrom({ STOPBATH_HUB: server.url, STOPBATH_HUB_HOSTS: server.cdnHost }).hosts, onEntry: (entry) => entries.push(entry), ...more });
const big = (): string => `${server.url}/owner/name/resolve/main/big.onnx`;

it('follows a redirect by hand: every hop in the log, without secrets; the token for the first origin alone', async () => {
  server.tokens.add('hf_secret');
  const network = open();
  const response = await network.fetch('a test', big(), { token: 'hf_secret' });
  expect((await response.arrayBuffer()).byteLength).toBe(50_000);
  expect(new URL(response.url).host).toBe(server.cdnHost);
  expect(server.seen.map(({ at, authorization }) => [at, authorization])).toEqual([
    ['resolve', 'Bearer hf_secret'],
    ['cdn', null],
  ]);
  expect(network.log()).toMatchObject([
    { method: 'GET', why: 'a test', status: 302, bytes: 0, problem: null },
    { method: 'GET', why: 'a test', status: 200, bytes: 50_000, problem: null },
  ]);
  expect(network.log().every(({ ms }) => ms !== null)).toBe(true);
  expect(JSON.stringify([entries, network.log()])).not.toMatch(/hf_secret|secret-/);
  expect(network.log()[1]?.url).toMatch(/X-Amz-Signature=hidden/);
});

it('makes no request while it is offline, says so in the log, and breaks off what goes on', async () => {
  let offline = true;
  const network = open({ isOffline: () => offline });
  await expect(network.fetch('a test', big())).rejects.toMatchObject({ code: 'OFFLINE' });
  expect(server.seen).toEqual([]);
  expect(network.log()).toMatchObject([{ status: null, problem: 'Stopbath is set to stay offline.' }]);
  offline = false;
  server.bytesPerSecond = 20_000;
  const response = await network.fetch('a test', big());
  const reading = response.arrayBuffer();
  offline = true;
  network.offlineChanged();
  await expect(reading).rejects.toMatchObject({ code: 'OFFLINE' });
  expect(network.log().at(-1)).toMatchObject({ status: 200, problem: 'Stopbath is set to stay offline.' });
});

describe('where it does not go', () => {
  it.each([
    ['https://evil.example/x', /evil\.example is none of the hosts/],
    ['http://huggingface.co/x', /encrypted connections only/],
    ['https://huggingface.co.evil.example/x', /none of the hosts/],
    ['https://evilhf.co/x', /none of the hosts/],
    ['https://hf.co:8443/x', /none of the hosts/],
    ['https://cdn-lfs.hf.co:8443/x', /none of the hosts/],
    ['http://169.254.169.254/latest/meta-data', /encrypted connections only/],
    ['https://169.254.169.254/latest/meta-data', /none of the hosts/],
    ['file:///etc/passwd', /encrypted connections only/],
    ['http://127.0.0.1:1/x', /none of the hosts/],
  ])('%s', async (url, says) => {
    const network = open();
    await expect(network.fetch('a test', url)).rejects.toMatchObject({ code: 'NETWORK', message: expect.stringMatching(says) });
    expect(network.log()).toMatchObject([{ status: null, problem: expect.stringMatching(says) }]);
  });

  it('nor by a redirect', async () => {
    server.faults.push({ at: 'resolve', does: { kind: 'redirect', to: 'http://169.254.169.254/latest' } });
    await expect(open().fetch('a test', big())).rejects.toMatchObject({ code: 'NETWORK' });
  });
});

it('knows the hosts of the hub and of the libraries, and those of a mirror', () => {
  const goes = (url: string): boolean => isAllowedHost(new URL(url), publicHosts);
  expect(['https://huggingface.co/x', 'https://cdn-lfs-us-1.hf.co/x', 'https://cas-bridge.xethub.hf.co/x', 'https://cdn-lfs.huggingface.co/x', 'https://api.nuget.org/x', 'https://globalcdn.nuget.org/x'].every(goes)).toBe(true);
  expect(placesFrom({})).toEqual({ hub: 'https://huggingface.co', hosts: publicHosts });
  expect(placesFrom({ STOPBATH_HUB: 'https://mirror.example/hub/', STOPBATH_HUB_HOSTS: 'a.example, b.example:8080' })).toEqual({
    hub: 'https://mirror.example/hub',
    hosts: [...publicHosts, 'mirror.example', 'a.example', 'b.example:8080'],
  });
  for (const bad of ['http://mirror.example', 'mirror.example', 'ftp://mirror.example']) {
    expect(() => placesFrom({ STOPBATH_HUB: bad })).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  }
});

it('hides everything in an address that could be a secret', () => {
  expect(withoutSecrets(new URL('https://user:pass@huggingface.co/api/x?recursive=true&token=hf_x&Signature=y#frag'))).toBe('https://huggingface.co/api/x?recursive=true&token=hidden&Signature=hidden');
});

it('says in words why there is no answer, and leaves a server that falls silent', async () => {
  const gone = await startHub();
  await gone.close();
  const { host } = new URL(gone.url);
  await expect(open({ hosts: [host] }).fetch('a test', gone.url)).rejects.toMatchObject({ code: 'NETWORK', message: `${host} could not be reached: the connection was refused.` });
  server.faults.push({ at: 'cdn', does: { kind: 'stall', afterBytes: 20_000 } });
  const network = open({ stallMs: 100 });
  const response = await network.fetch('a test', big());
  await expect(response.arrayBuffer()).rejects.toMatchObject({ code: 'NETWORK', message: expect.stringContaining('sent nothing for') });
  expect(network.log().at(-1)?.problem).toContain('sent nothing');
});

it('waits for a slow reader, not only for a slow server', async () => {
  const response = await open({ stallMs: 1500 }).fetch('a test', big());
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    if (bytes === 0) await new Promise((done) => setTimeout(done, 2000));
    bytes += piece.byteLength;
  }
  expect(bytes).toBe(50_000);
});

it('stops with the reason of its caller, and closes the entry', async () => {
  server.bytesPerSecond = 20_000;
  const controller = new AbortController();
  const network = open();
  const response = await network.fetch('a test', big(), { signal: controller.signal });
  const reading = response.arrayBuffer();
  controller.abort(new Error('enough'));
  await expect(reading).rejects.toThrow('enough');
  expect(network.log().at(-1)).toMatchObject({ problem: 'enough' });
  await expect(network.fetch('a test', big(), { signal: controller.signal })).rejects.toThrow('enough');
});

it('keeps the last entries only', async () => {
  const network = open({ logLimit: 3, isOffline: () => true });
  for (let at = 0; at < 5; at++) await network.fetch('a test', big()).catch(() => undefined);
  expect(network.log().map(({ id }) => id)).toEqual([3, 4, 5]);
});

it('reads no answer past its limit', async () => {
  const network = open();
  expect(await limited(await network.fetch('a test', big()), 50_000).text()).toHaveLength(50_000);
  await expect(limited(await network.fetch('a test', big()), 49_999).text()).rejects.toMatchObject({ code: 'NETWORK' });
});
