import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { retryDelay, startBridge, type LinkState } from './bridge.ts';
import type { Connection } from '../../shared/rpc.ts';

/** A WebSocket whose other end is the test. */
class FakeSocket extends EventTarget {
  static readonly all: FakeSocket[] = [];
  readonly url: string;
  readonly sent: string[] = [];

  constructor(url: string) {
    super();
    this.url = url;
    FakeSocket.all.push(this);
  }

  send(text: string): void {
    this.sent.push(text);
  }

  answer(message: unknown): void {
    this.dispatchEvent(new MessageEvent('message', { data: JSON.stringify(message) }));
  }
}

const latest = (): FakeSocket => {
  const socket = FakeSocket.all.at(-1);
  if (socket === undefined) throw new Error('No socket was opened.');
  return socket;
};

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', FakeSocket);
  FakeSocket.all.length = 0;
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function start(): { states: LinkState[]; connections: Connection[] } {
  const states: LinkState[] = [];
  const connections: Connection[] = [];
  startBridge({ onState: (state) => states.push(state), onConnection: (connection) => connections.push(connection) });
  return { states, connections };
}

describe('the bridge', () => {
  it('calls over a WebSocket of its own host', async () => {
    const { states, connections } = start();
    expect(new URL(latest().url)).toMatchObject({ host: window.location.host, pathname: '/rpc' });
    latest().dispatchEvent(new Event('open'));
    expect(states).toEqual(['connecting', 'open']);
    const models = connections[0]?.call('models.list', {});
    expect(JSON.parse(latest().sent[0] ?? '')).toEqual({ id: 1, call: 'models.list', input: {} });
    latest().answer({ id: 1, ok: true, value: [] });
    expect(await models).toEqual([]);
  });

  it('fails the calls under way when the connection is lost, and connects again', async () => {
    const { states, connections } = start();
    latest().dispatchEvent(new Event('open'));
    const call = connections[0]?.call('models.list', {});
    latest().dispatchEvent(new Event('close'));
    await expect(call).rejects.toThrow(/connection/i);
    vi.advanceTimersByTime(retryDelay(0));
    expect(FakeSocket.all).toHaveLength(2);
    latest().dispatchEvent(new Event('open'));
    expect(states).toEqual(['connecting', 'open', 'lost', 'open']);
    expect(connections).toHaveLength(2);
  });

  it('waits longer each time, up to a few seconds', () => {
    const delays = [0, 1, 2, 3, 4, 10].map(retryDelay);
    expect(delays[0]).toBeLessThan(500);
    expect(delays).toEqual([...delays].sort((a, b) => a - b));
    expect(delays.at(-1)).toBe(5_000);
  });
});
