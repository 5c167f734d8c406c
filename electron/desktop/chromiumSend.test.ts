import type { ClientRequest, ClientRequestConstructorOptions, Session } from 'electron';
import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { createNetwork } from '../core/network/network.ts';
import { createChromiumSend } from './chromiumSend.ts';

/** Answers as Electron's `net.request` is documented to; how the real one behaves it cannot prove. */
class FakeRequest extends EventEmitter {
  aborted = false;
  readonly options: ClientRequestConstructorOptions;
  readonly play: (request: FakeRequest) => void;
  constructor(options: ClientRequestConstructorOptions, play: (request: FakeRequest) => void) {
    super();
    this.options = options;
    this.play = play;
  }
  end(): void {
    setImmediate(() => this.play(this));
  }
  abort(): void {
    this.aborted = true;
  }
  answer(statusCode: number, headers: Record<string, string | string[]>, body: Readable): void {
    this.emit('response', Object.assign(body, { statusCode, statusMessage: 'OK', headers }));
  }
}

const own = {} as Session;
function sending(...plays: ((request: FakeRequest) => void)[]): { made: FakeRequest[]; send: ReturnType<typeof createChromiumSend> } {
  const made: FakeRequest[] = [];
  const send = createChromiumSend((options) => {
    const request = new FakeRequest(options, plays[made.length] ?? (() => undefined));
    made.push(request);
    return request as unknown as ClientRequest;
  }, own);
  return { made, send };
}
const init = (signal = new AbortController().signal): { method: string; headers: Record<string, string>; signal: AbortSignal } => ({ method: 'GET', headers: { range: 'bytes=5-' }, signal });

it('asks without cookies, cache or followed redirects, in a session of its own', async () => {
  const { made, send } = sending((request) => request.answer(206, { ETag: '"x"', Link: ['a', 'b'] }, Readable.from([Buffer.from('he'), Buffer.from('llo')])));
  const response = await send('https://hf.co/x', init());
  expect(response.status).toBe(206);
  expect([response.headers.get('etag'), response.headers.get('link')]).toEqual(['"x"', 'a, b']);
  expect(await response.text()).toBe('hello');
  expect(made[0]?.options).toMatchObject({ url: 'https://hf.co/x', method: 'GET', headers: { range: 'bytes=5-' }, redirect: 'manual', credentials: 'omit', cache: 'no-store' });
  expect(made[0]?.options.session).toBe(own);
});

it('gives a redirect as the answer, and survives that Chromium then calls it cancelled', async () => {
  const { made, send } = sending(
    (request) => {
      request.emit('redirect', 302, 'GET', 'https://cdn-lfs.hf.co/y?sig=1', { 'x-linked-size': ['5'] });
      request.emit('error', new Error('Redirect was cancelled'));
      request.emit('close');
    },
    (request) => request.answer(200, {}, Readable.from([Buffer.from('there')])),
  );
  const network = createNetwork({ isOffline: () => false, hosts: ['hf.co', '*.hf.co'], send });
  const response = await network.fetch('a test', 'https://hf.co/x', { token: 'hf_secret' });
  expect(await response.text()).toBe('there');
  expect(made.map(({ options }) => [options.url, options.headers])).toEqual([
    ['https://hf.co/x', { authorization: 'Bearer hf_secret' }],
    ['https://cdn-lfs.hf.co/y?sig=1', {}],
  ]);
});

it('passes on errors before and in the body, and aborts', async () => {
  const failing = sending((request) => request.emit('error', Object.assign(new Error('net::ERR_NAME_NOT_RESOLVED'))));
  const network = createNetwork({ isOffline: () => false, hosts: ['hf.co'], send: failing.send });
  await expect(network.fetch('a test', 'https://hf.co/x')).rejects.toMatchObject({ code: 'NETWORK', message: 'hf.co could not be reached: its name could not be resolved.' });

  const broken = sending((request) => {
    const body = new Readable({ read: () => undefined });
    body.push('half');
    request.answer(200, {}, body);
    setImmediate(() => body.emit('aborted'));
  });
  await expect((await broken.send('https://hf.co/x', init())).text()).rejects.toThrow('broke off');

  const controller = new AbortController();
  const slow = sending((request) => request.answer(200, {}, new Readable({ read: () => undefined })));
  const reading = (await slow.send('https://hf.co/x', init(controller.signal))).text();
  controller.abort(new Error('enough'));
  await expect(reading).rejects.toThrow('enough');
  expect(slow.made[0]?.aborted).toBe(true);
});
