import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { CallName } from '../../shared/contract.ts';
import { inputImageSchema } from '../../shared/generation.ts';
import { maxInputBody } from '../core/inputs.ts';
import { encodePng } from '../media/png.ts';
import { closeAll, only, openTestApp, request, temporaryFolder, until, type TestApp } from './testing/testApp.ts';
import { ask, connectPage, logIn, openSocket } from './testing/webClient.ts';
import { startWebHost, type WebHost } from './webHost.ts';

let app: TestApp;
let web: WebHost;
let addresses: string[] = [];
beforeEach(async () => {
  const data = await temporaryFolder();
  await mkdir(join(data, 'ui'));
  await writeFile(join(data, 'ui', 'index.html'), '<!doctype html><title>Stopbath</title>');
  app = await openTestApp({ data });
  addresses = [];
  web = await startWebHost({ app, port: 0, onAddress: (address) => addresses.push(address) });
});
afterEach(async () => {
  await web.close();
  await closeAll();
});

describe('the web host lets in', () => {
  it('the browser that opens the printed address, and again after a reload', async () => {
    const address = new URL(web.address());
    expect(Buffer.from(address.searchParams.get('token') ?? '', 'base64url')).toHaveLength(24);
    const first = await ask(web.port, address.pathname + address.search);
    expect(first.status).toBe(303);
    expect(first.headers.location).toBe('/');
    const cookie = first.headers['set-cookie']?.[0] ?? '';
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Path=\//);
    const value = cookie.split(';')[0] ?? '';
    for (const path of ['/', '/']) expect((await ask(web.port, path, { cookie: value })).body).toContain('Stopbath');
    // Its own first address, from the history: on to the page.
    expect((await ask(web.port, address.pathname + address.search, { cookie: value })).status).toBe(303);
  });

  it('one more browser by the address that replaced the first', async () => {
    await logIn(web.address());
    expect(addresses).toHaveLength(1);
    expect(web.address()).toBe(addresses[0]);
    await logIn(addresses[0] ?? '');
    expect(addresses).toHaveLength(2);
  });

  it('a browser at the near end of an SSH tunnel, whatever its port', async () => {
    const { cookie } = await logIn(web.address());
    expect((await ask(web.port, '/', { cookie, host: 'localhost:9000' })).status).toBe(200);
    const socket = await openSocket(web.port, { cookie, host: 'localhost:9000', origin: 'http://localhost:9000' });
    socket.close();
  });
});

describe('the web host keeps out', () => {
  it('a token used before, a wrong one and none', async () => {
    const used = new URL(web.address());
    await logIn(used.href);
    for (const path of [used.pathname + used.search, '/?token=', '/?token=x', '/', '/assets/x.js', '/pictures/x.png']) {
      const answer = await ask(web.port, path);
      expect(answer.status, path).toBe(403);
      expect(answer.headers['set-cookie']).toBeUndefined();
      expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
    }
  });

  it('a HEAD, which does not use the token up', async () => {
    const address = new URL(web.address());
    expect((await ask(web.port, address.pathname + address.search, {}, 'HEAD')).status).toBe(403);
    expect(web.address()).toBe(address.href);
  });

  it('a name that was re-bound to this machine', async () => {
    const { cookie } = await logIn(web.address());
    for (const host of ['evil.example', `evil.example:${web.port}`, '127.0.0.1.evil.example', 'localhost.evil.example:80']) {
      const answer = await ask(web.port, '/', { cookie, host });
      expect(answer.status, host).toBe(421);
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
    }
    await expect(openSocket(web.port, { cookie, host: 'evil.example', origin: 'http://evil.example' })).rejects.toThrow('421');
  });

  it('a socket without the cookie, or from a page of another site', async () => {
    const { cookie } = await logIn(web.address());
    const own = `http://127.0.0.1:${web.port}`;
    await expect(openSocket(web.port, { origin: own })).rejects.toThrow('403');
    await expect(openSocket(web.port, { cookie: `${cookie}x`, origin: own })).rejects.toThrow('403');
    await expect(openSocket(web.port, { cookie })).rejects.toThrow('403');
    for (const origin of ['http://evil.example', 'null', 'http://127.0.0.1:1', `https://127.0.0.1:${web.port}`, `${own}.evil.example`]) {
      await expect(openSocket(web.port, { cookie, origin }), origin).rejects.toThrow('403');
    }
    await expect(openSocket(web.port, { cookie, origin: own }, '/other')).rejects.toThrow('404');
  });

  it('paths that lead elsewhere, as any program can send them', async () => {
    const { cookie } = await logIn(web.address());
    for (const path of ['/../settings.json', '/..%2fsettings.json', '/%2e%2e%2fqueue.json', '/..\\queue.json', '/..%5cqueue.json', '//queue.json']) {
      expect([400, 404], path).toContain((await ask(web.port, path, { cookie })).status);
    }
    for (const path of ['http://evil.example/', '*']) {
      expect((await ask(web.port, path, { cookie })).status, path).toBe(400);
    }
    expect((await ask(web.port, '/', { cookie }, 'POST')).status).toBe(405);
    expect((await ask(web.port, '/', { cookie }, 'TRACE')).status).toBe(405);
  });

  it('pictures that no page of ours sends', async () => {
    const { cookie } = await logIn(web.address());
    const own = `http://127.0.0.1:${web.port}`;
    const type = 'image/png';
    const png = await encodePng({ width: 1, height: 1, rgb: new Uint8Array(3) }, []);
    const post = (headers: Record<string, string>, body: Uint8Array = png): ReturnType<typeof ask> =>
      ask(web.port, '/inputs', headers, 'POST', body);
    expect((await post({ origin: own, 'content-type': type })).status).toBe(403);
    expect((await post({ origin: own, 'content-type': type, cookie: `${cookie}x` })).status).toBe(403);
    expect((await post({ origin: own, 'content-type': type, cookie, host: 'evil.example' })).status).toBe(421);
    for (const origin of ['http://evil.example', 'null', 'http://127.0.0.1:1', `https://127.0.0.1:${web.port}`]) {
      const answer = await post({ origin, 'content-type': type, cookie });
      expect(answer.status, origin).toBe(403);
      expect(JSON.parse(answer.body)).toMatchObject({ code: 'INVALID_INPUT' });
    }
    expect((await post({ 'content-type': type, cookie })).status).toBe(403);
    expect((await post({ origin: own, cookie, 'content-type': 'text/plain' })).status).toBe(415);
    expect((await post({ origin: own, cookie, 'content-type': type }, Buffer.from('no picture'))).status).toBe(422);
    await expect(readdir(join(app.data, 'inputs'))).rejects.toMatchObject({ code: 'ENOENT' });
    // Neither a body of any size nor one cut off harms what comes after.
    expect((await post({ origin: own, cookie, 'content-type': type }, Buffer.alloc(maxInputBody + 1))).status).toBe(413);
    const torn = httpRequest({
      ...{ host: '127.0.0.1', port: web.port, path: '/inputs', method: 'POST' },
      headers: { origin: own, cookie, 'content-type': type, 'content-length': '1000' },
    });
    torn.on('error', () => undefined);
    torn.write('half');
    await new Promise((resolve) => setTimeout(resolve, 50));
    torn.destroy();
    expect((await post({ origin: own, cookie, 'content-type': type })).status).toBe(201);
  });

  it('everyone on the network', async () => {
    const outside = Object.values(networkInterfaces()).flat().filter((face) => face !== undefined && !face.internal && face.family === 'IPv4');
    for (const face of outside) {
      await expect(fetch(`http://${face?.address}:${web.port}/`), face?.address).rejects.toThrow();
    }
  });
});

describe('a page of the web host', () => {
  it('calls, hears events, and goes on after a reload', async () => {
    const { connection, socket, port, cookie } = await connectPage(web.address());
    const heard: string[] = [];
    connection.onEvent((name) => heard.push(name));
    expect(await connection.call('app.info', {})).toMatchObject({ host: 'web', canReveal: false, notices: [] });
    const [jobId = ''] = (await connection.call('jobs.submit', { request, count: 1 })).jobIds;
    await app.ended(jobId);
    await until(() => (heard.includes('library') ? true : null));
    expect(heard).toContain('job');
    socket.close();
    const again = await openSocket(port, { cookie, origin: `http://127.0.0.1:${port}` });
    again.close();
    expect((await app.job(jobId)).state).toBe('finished');
  });

  it('sends a picture, sees it, and starts a run from it', async () => {
    const { connection, port, cookie } = await connectPage(web.address());
    const png = await encodePng({ width: 2, height: 1, rgb: new Uint8Array(6).fill(70) }, []);
    const headers = { cookie, origin: `http://127.0.0.1:${port}`, 'content-type': 'image/png' };
    const sent = await ask(port, '/inputs', headers, 'POST', png);
    expect(sent.status).toBe(201);
    expect(sent.headers['content-security-policy']).toContain("default-src 'none'");
    const image = inputImageSchema.parse(JSON.parse(sent.body));
    expect(image).toMatchObject({ width: 2, height: 1 });
    const seen = await ask(port, `/inputs/${image.id}.png`, { cookie });
    expect(seen.headers['cache-control']).toContain('immutable');
    expect((await ask(port, `/inputs/${image.id}.png`)).status).toBe(403);
    const started = await connection.call('jobs.submit', { request: { ...request, task: 'image-to-image', image }, count: 1 });
    expect((await app.ended(only(started.jobIds))).state).toBe('finished');
  });

  it('gets INVALID_INPUT for what is no call, and the field of a bad value', async () => {
    const { connection } = await connectPage(web.address());
    for (const name of ['constructor', '__proto__', 'toString', 'jobs.submit ', 'jobs', '']) {
      await expect(connection.call(name as CallName, {} as never), name).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
    const long = { ...request, prompt: 'x'.repeat(100_000) };
    await expect(connection.call('jobs.submit', { request: long, count: 1 })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      field: 'prompt',
    });
    await expect(connection.call('settings.set', { paceMs: -1 })).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'paceMs' });
    await expect(connection.call('jobs.stop', { jobId: 'none' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await connection.call('jobs.list', {})).toEqual([]);
  });

  it('is cut off for a message no page of ours sends, and the others are not', async () => {
    const first = await connectPage(web.address());
    const second = await connectPage(addresses.at(-1) ?? '');
    const closed = new Promise((resolve) => first.socket.on('close', resolve));
    first.socket.send('x'.repeat(5 * 1024 * 1024));
    expect(await closed).toBe(1009);
    for (const junk of ['{', '[]', 'null', '{"id":1}', '{"id":"1","call":"app.info"}']) second.socket.send(junk);
    second.socket.send(Buffer.from('{"id":1,"call":"app.info"}'));
    expect(only(await second.connection.call('models.list', {})).id).toBe('starter');
  });
});
