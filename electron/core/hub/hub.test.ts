import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { contentOf, type Content } from '../../../e2e/hub/content.ts';
import { tinyOnnx } from '../../../e2e/hub/model.ts';
import { startHub, type TestHub } from '../../../e2e/hub/server.ts';
import { placesFrom } from '../network/allowedHosts.ts';
import { createNetwork, type Network } from '../network/network.ts';
import { createHub, toOffer, type Hub } from './hub.ts';
import { retryAfterMs } from './hubFailure.ts';

let server: TestHub;
let network: Network;
let hub: Hub;
let token: string | null;
beforeEach(async () => {
  server = await startHub();
  token = null;
  const { hub: endpoint, hosts } = placesFrom({ STOPBATH_HUB: server.url, STOPBATH_HUB_HOSTS: server.cdnHost });
  network = createNetwork({ isOffline: () => false, hosts });
  hub = createHub({ network, token: () => token, endpoint });
});
afterEach(() => server.close());

it('reads info and all pages of the list, pins the commit, and shows what is offered', async () => {
  const commit = server.put('owner/name', { ...tinyOnnx(), 'unet/diffusion_pytorch_model.bin': 'pickle', 'run.py': 'import os' }, { license: 'openrail++', branches: ['main', 'onnx'] });
  const seen = await hub.look('owner/name@onnx');
  const offer = toOffer(seen, () => 0, 7);
  expect(offer).toMatchObject({
    source: { kind: 'hub', repo: 'owner/name', revision: commit },
    title: 'name',
    license: 'openrail++',
    gated: false,
    diskFree: 7,
    refused: [
      { path: 'unet/diffusion_pytorch_model.bin', reason: 'a pickle can run programs when it is opened' },
      { path: 'run.py', reason: 'a script' },
    ],
  });
  expect(offer.variants.map(({ id }) => id)).toEqual(['onnx']);
  // Nothing but questions was asked, in several pages, each of them in the log.
  expect(server.seen.every(({ at }) => at === 'api')).toBe(true);
  expect(server.seen.filter(({ path }) => path.includes('/tree/')).length).toBeGreaterThan(3);
  expect(network.log()).toHaveLength(server.seen.length);
  // The list is that of the commit, whatever the branch becomes.
  expect(server.seen.filter(({ path }) => path.includes('/tree/')).every(({ path }) => path.includes(commit))).toBe(true);
});

it('asks again for a branch, not for a commit it has seen', async () => {
  const commit = server.put('owner/name', tinyOnnx());
  await hub.look('owner/name');
  const before = server.seen.length;
  await hub.repository('owner/name', commit, null);
  expect(server.seen).toHaveLength(before);
  await hub.look('owner/name');
  expect(server.seen.length).toBeGreaterThan(before);
});

it('sends the token to the hub only, also where a page says it goes on elsewhere', async () => {
  server.put('owner/name', tinyOnnx(), { isPrivate: true });
  server.tokens.add('hf_good');
  token = 'hf_good';
  await hub.look('owner/name');
  expect(new Set(server.seen.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer hf_good']));
  const there = `http://${server.cdnHost}`;
  server.faults.push({ at: 'api', path: '/tree/', does: { kind: 'answer', status: 200, headers: { 'content-type': 'application/json', link: `<${there}/api/models/owner/name/tree/x?cursor=2>; rel="next"` }, body: '[]' } });
  server.faults.push({ at: 'cdn', does: { kind: 'answer', status: 200, headers: { 'content-type': 'application/json' }, body: '[]' } });
  server.seen.length = 0;
  await hub.look('owner/name');
  expect(server.seen.find(({ at }) => at === 'cdn')).toMatchObject({ authorization: null });
});

describe('refusals', () => {
  it.each([
    { name: 'no such model', at: 'owner/none', tok: null, code: 'NOT_FOUND', says: /There is no model owner\/none/, next: /a private model needs a token/ },
    { name: 'no such model, with a token', at: 'owner/none', tok: 'hf_good', code: 'NOT_FOUND', says: /There is no model/, next: /your token may read it/ },
    { name: 'a private one, to a stranger', at: 'owner/private', tok: null, code: 'NOT_FOUND', says: /or it is private/, next: /token/ },
    { name: 'no such revision', at: 'owner/name@v9', tok: null, code: 'NOT_FOUND', says: /no such revision/, next: /branch, tag or commit/ },
    { name: 'a token that was revoked', at: 'owner/name', tok: 'hf_old', code: 'ACCESS_DENIED', says: /refused your token/, next: /settings\/tokens/ },
    { name: 'no address', at: 'just words', tok: null, code: 'INVALID_INPUT', says: /is no address of a model/, next: /owner\/name/ },
  ])('$name', async ({ at, tok, code, says, next }) => {
    server.put('owner/name', tinyOnnx());
    server.put('owner/private', tinyOnnx(), { isPrivate: true });
    server.tokens.add('hf_good');
    token = tok;
    await expect(hub.look(at)).rejects.toMatchObject({ code, message: expect.stringMatching(says), nextStep: expect.stringMatching(next) });
  });

  it.each([
    { name: '500', does: { kind: 'answer', status: 500 }, code: 'NETWORK', says: /problem of its own \(500\)/ },
    { name: '429', does: { kind: 'answer', status: 429, headers: { 'retry-after': '12' } }, code: 'NETWORK', says: /too many requests/ },
    { name: 'no JSON', does: { kind: 'answer', status: 200, body: '<html>' }, code: 'NETWORK', says: /does not understand/ },
    { name: 'other JSON', does: { kind: 'answer', status: 200, body: '{"id":7}' }, code: 'NETWORK', says: /does not understand/ },
  ] as const)('an answer that is $name', async ({ does, code, says }) => {
    server.put('owner/name', tinyOnnx());
    server.faults.push({ at: 'api', does });
    await expect(hub.look('owner/name')).rejects.toMatchObject({ code, message: expect.stringMatching(says) });
  });

  it.each(['[{"type":"file","path":"a.onnx","size":-1}]', '[{"type":"file","path":"a.onnx","size":5,"lfs":{"oid":"../../x","size":5}}]', '{}'])('a list that is %s', async (body) => {
    server.put('owner/name', tinyOnnx());
    server.faults.push({ at: 'api', path: '/tree/', does: { kind: 'answer', status: 200, body } });
    await expect(hub.look('owner/name')).rejects.toMatchObject({ code: 'NETWORK', message: expect.stringMatching(/does not understand/) });
  });

  it('a list that never ends', async () => {
    server.put('owner/name', tinyOnnx());
    const body = JSON.stringify(Array.from({ length: 7000 }, (_, at) => ({ type: 'file', path: `f${at}.json`, size: 1, oid: 'a'.repeat(40) })));
    const link = `<${server.url}/api/models/owner/name/tree/x?cursor=1>; rel="next"`;
    server.faults.push({ at: 'api', path: '/tree/', does: { kind: 'answer', status: 200, headers: { link }, body }, times: 9 });
    await expect(hub.look('owner/name')).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED', message: expect.stringMatching(/more than 20000 files/) });
  });
});

it('shows what a gated model holds, and says that it is gated', async () => {
  server.put('owner/gated', tinyOnnx(), { gated: true });
  const offer = toOffer(await hub.look('owner/gated'), () => 0, 0);
  expect(offer).toMatchObject({ gated: true });
  expect(offer.variants).toHaveLength(1);
});

it('lets no path out of the model, nor two that are one file', async () => {
  const hostile: Record<string, Content> = Object.fromEntries(
    ['../evil.json', 'unet/../../evil.json', '/etc/evil.json', 'C:/evil.json', 'C:evil.json', 'unet\\..\\evil.json', 'tokenizer/evil\u0000.json', 'tokenizer/CON.json', 'tokenizer/lpt1.txt', 'tokenizer/a:b.json', 'tokenizer/evil.json.', 'tokenizer//evil.json', './evil.json', `tokenizer/${'x'.repeat(101)}.json`, 'tokenizer/VOCAB.json'].map((path) => [path, contentOf('{}')]),
  );
  server.put('owner/name', { ...tinyOnnx(), ...hostile });
  const seen = await hub.look('owner/name');
  expect(seen.refused).toHaveLength(Object.keys(hostile).length);
  expect(seen.variants[0]?.files.map(({ to }) => to).sort()).toEqual(Object.keys(tinyOnnx()).filter((path) => path.includes('/') || path === 'model_index.json').sort());
});

it('understands how long a server asks to wait', () => {
  const after = (headers: Record<string, string>): number | null => retryAfterMs(new Headers(headers), Date.UTC(2026, 0, 1));
  expect(after({ 'retry-after': '12' })).toBe(12_000);
  expect(after({ 'retry-after': 'Thu, 01 Jan 2026 00:01:00 GMT' })).toBe(60_000);
  expect(after({ ratelimit: '"resolvers";r=0;t=55' })).toBe(55_000);
  expect(after({ ratelimit: '"resolvers";r=12;t=55' })).toBeNull();
  expect(after({})).toBeNull();
});
