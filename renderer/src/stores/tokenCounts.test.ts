import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TokenCount } from '../../../shared/job.ts';
import type { Connection } from '../../../shared/rpc.ts';
import { fakeCore } from '../testing/fakeCore.ts';
import { setConnection } from './core.ts';
import { formStore, initialForm, setForm } from './form.ts';
import { followTokenCounts, tokenCountsStore } from './tokenCounts.ts';

const count = (tokens: number): TokenCount => ({ chunks: [tokens], chunkSize: 75, cut: 0, cutText: '' });
const ofLength = (texts: readonly string[]): { counts: TokenCount[] } => ({ counts: texts.map((text) => count(text.length)) });

let stop: () => void = () => undefined;

beforeEach(() => {
  vi.useFakeTimers();
  formStore.setState({ ...initialForm, modelId: 'starter' }, true);
  tokenCountsStore.setState({}, true);
});

afterEach(() => {
  stop();
  vi.useRealTimers();
});

describe('token counts', () => {
  it('are asked for when the typing rests, once', async () => {
    const core = fakeCore({ 'prompts.count': ({ texts }) => ofLength(texts) });
    stop = followTokenCounts();
    for (const prompt of ['a', 'a r', 'a red']) {
      setForm({ prompt });
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(core.asked).toEqual([]);
    await vi.advanceTimersByTimeAsync(250);
    expect(core.asked).toEqual([{ name: 'prompts.count', input: { modelId: 'starter', texts: ['a red', '', '', ''], syntax: 'a1111' } }]);
    expect(tokenCountsStore.getState().prompt).toEqual(count(5));
  });

  it('are not asked for again by what does not change them, and are by the syntax', async () => {
    const core = fakeCore({ 'prompts.count': ({ texts }) => ofLength(texts) });
    stop = followTokenCounts();
    await vi.advanceTimersByTimeAsync(300);
    setForm({ steps: '30' });
    await vi.advanceTimersByTimeAsync(300);
    expect(core.asked).toHaveLength(1);
    setForm({ promptSyntax: 'plain' });
    await vi.advanceTimersByTimeAsync(300);
    expect(core.asked).toHaveLength(2);
  });

  it('stay until new ones are there, and the newest win', async () => {
    const answers: ((value: unknown) => void)[] = [];
    const connection = { call: () => new Promise((resolve) => answers.push(resolve)), onEvent: () => () => undefined };
    setConnection(connection as unknown as Connection);
    tokenCountsStore.setState({ prompt: count(1) }, true);
    stop = followTokenCounts();
    await vi.advanceTimersByTimeAsync(300);
    setForm({ prompt: 'more' });
    await vi.advanceTimersByTimeAsync(300);
    expect(tokenCountsStore.getState().prompt).toEqual(count(1));
    answers[1]?.(ofLength(['more', '', '', '']));
    await vi.advanceTimersByTimeAsync(0);
    answers[0]?.(ofLength(['', '', '', '']));
    await vi.advanceTimersByTimeAsync(0);
    expect(tokenCountsStore.getState().prompt).toEqual(count(4));
  });

  it('are silently absent when they cannot be had', async () => {
    fakeCore();
    tokenCountsStore.setState({ prompt: count(1) }, true);
    stop = followTokenCounts();
    await vi.advanceTimersByTimeAsync(300);
    expect(tokenCountsStore.getState()).toEqual({});
  });
});
