import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EngineStatus } from '../../shared/contract.ts';
import { plainUse, type EngineCommand, type EngineMessage } from '../../shared/engineProtocol.ts';
import { StopbathError } from '../../shared/errors.ts';
import { parseGenerationRequest } from '../../shared/generation.ts';
import { stepRecordSchema } from '../../shared/job.ts';
import { createEngineHost } from './engineHost.ts';
import type { EngineHost, EngineTask } from './engineTask.ts';
import type { EngineExit, EngineProcess } from './host.ts';

/** An engine process moved by hand, for orders of events that a real one shows only by bad luck. */
class HandMoved implements EngineProcess {
  readonly pid = 1;
  readonly sent: EngineCommand[] = [];
  killed = false;
  #message: (message: unknown) => void = () => undefined;
  #exit: (exit: EngineExit) => void = () => undefined;
  send(command: EngineCommand): void {
    this.sent.push(command);
  }
  onMessage(listener: (message: unknown) => void): void {
    this.#message = listener;
  }
  onStderr(): void {
    // Says nothing.
  }
  onExit(listener: (exit: EngineExit) => void): void {
    this.#exit = listener;
  }
  kill(): void {
    this.killed = true;
  }
  says(message: EngineMessage): void {
    this.#message(message);
  }
  ends(exit: EngineExit = { code: 1, signal: null }): void {
    this.#exit(exit);
  }
}

let started: HandMoved[] = [];
let states: EngineStatus['state'][] = [];
let engine: EngineHost;
const ready: EngineMessage = { kind: 'ready', runtimeVersion: '1' };
const step = (jobId: string): EngineMessage => ({
  kind: 'step',
  jobId,
  step: stepRecordSchema.parse({ stepIndex: 0, numTimesteps: 2, timestep: 1, sigma: 1, guidanceScale: 1, guided: false, unetEvaluations: 1, ms: 1 }),
});
const failed = (jobId: string): EngineMessage => ({ kind: 'failed', jobId, failure: { code: 'MODEL_BAD', message: 'bad' } });
const task = (jobId: string): EngineTask => ({
  kind: 'decode',
  jobId,
  latents: { dims: [0], data: new Float32Array() },
  request: parseGenerationRequest({
    ...{ task: 'text-to-image', modelId: 'starter', prompt: '', negativePrompt: null, width: 128, height: 128, steps: 2 },
    ...{ guidanceScale: 4, guidanceEnd: { kind: 'never' }, scheduler: 'ddim', seed: '7' },
  }),
  inputs: null,
  modelFolder: '/model',
  provider: 'auto',
  ...plainUse,
});

function process(index: number): HandMoved {
  const found = started[index];
  if (found === undefined) throw new Error(`only ${started.length} engines were started`);
  return found;
}

beforeEach(() => {
  vi.useFakeTimers();
  started = [];
  states = [];
  engine = createEngineHost({
    start: () => {
      const next = new HandMoved();
      started.push(next);
      return next;
    },
    onStatus: ({ state }) => states.push(state),
  });
});
afterEach(() => vi.useRealTimers());

describe('the engine host', () => {
  it('holds a task and its steering back until the process is ready', async () => {
    const end = engine.run('a', task('a'), () => undefined);
    engine.control({ kind: 'steer', jobId: 'a', steering: { guidanceScale: 2 } });
    engine.control({ kind: 'steer', jobId: 'other', steering: { guidanceScale: 9 } });
    expect(process(0).sent).toEqual([]);
    process(0).says(ready);
    expect(process(0).sent).toEqual([task('a'), { kind: 'steer', jobId: 'a', steering: { guidanceScale: 2 } }]);
    process(0).says(failed('a'));
    expect(await end).toMatchObject({ kind: 'failed', failure: { code: 'MODEL_BAD' } });
    expect(states).toEqual(['starting', 'ready', 'loading', 'ready']);
  });

  it('drops what a replaced process still says, and its end', async () => {
    const progress = vi.fn();
    engine.warmUp();
    process(0).says(ready);
    const first = engine.run('a', task('a'), progress);
    engine.stop('a');
    vi.advanceTimersByTime(2_000);
    expect(await first).toEqual({ kind: 'abandoned', hard: true });
    expect(process(0).killed).toBe(true);

    const second = engine.run('a', task('a'), progress);
    process(0).says(step('a'));
    process(0).says(failed('a'));
    process(0).ends({ code: null, signal: 'SIGKILL' });
    expect(progress).not.toHaveBeenCalled();
    process(1).says(ready);
    process(1).says(step('a'));
    expect(progress).toHaveBeenCalledOnce();
    process(1).says(failed('a'));
    expect((await second).kind).toBe('failed');
    expect(engine.status()).toMatchObject({ state: 'ready', generation: 2, failure: null });
  });

  it('drops what is said about another job', () => {
    const progress = vi.fn();
    engine.warmUp();
    process(0).says(ready);
    void engine.run('a', task('a'), progress);
    process(0).says(step('b'));
    process(0).says(failed('b'));
    expect(progress).not.toHaveBeenCalled();
  });

  it('does not kill for a stop that was answered in time', async () => {
    engine.warmUp();
    process(0).says(ready);
    const end = engine.run('a', task('a'), () => undefined);
    engine.stop('a');
    expect(states.at(-1)).toBe('stopping');
    vi.advanceTimersByTime(1_999);
    process(0).says(failed('a'));
    await end;
    vi.advanceTimersByTime(10_000);
    expect(process(0).killed).toBe(false);
    expect(started).toHaveLength(1);
  });

  it('needs no kill for a task that was not sent yet', async () => {
    const end = engine.run('a', task('a'), () => undefined);
    expect(engine.stop('a')).toEqual({ hard: false });
    expect(await end).toEqual({ kind: 'abandoned', hard: false });
    process(0).says(ready);
    expect(process(0).sent).toEqual([]);
    expect(process(0).killed).toBe(false);
  });

  it('ends a job that was being stopped when the process died as stopped', async () => {
    engine.warmUp();
    process(0).says(ready);
    const end = engine.run('a', task('a'), () => undefined);
    engine.stop('a');
    process(0).ends({ code: null, signal: 'SIGSEGV' });
    expect(await end).toEqual({ kind: 'abandoned', hard: true });
  });

  it('waits longer before each start in a row, then starts only for a task', async () => {
    engine.warmUp();
    for (const [index, wait] of [250, 500, 1_000].entries()) {
      process(index).ends();
      expect(engine.status()).toMatchObject({ state: 'crashed', failure: { code: 'ENGINE_START' } });
      vi.advanceTimersByTime(wait - 1);
      expect(started).toHaveLength(index + 1);
      vi.advanceTimersByTime(1);
      expect(started).toHaveLength(index + 2);
    }
    process(3).ends();
    vi.advanceTimersByTime(60_000);
    expect(started).toHaveLength(4);
    const end = engine.run('a', task('a'), () => undefined);
    expect(started).toHaveLength(5);
    process(4).says(ready);
    process(4).says(failed('a'));
    await end;
    // A task that had an end, even a bad one, means that the process works.
    process(4).ends();
    vi.advanceTimersByTime(250);
    expect(started).toHaveLength(6);
  });

  it('gives up a process that never gets ready', async () => {
    const end = engine.run('a', task('a'), () => undefined);
    vi.advanceTimersByTime(60_000);
    expect(process(0).killed).toBe(true);
    process(0).ends({ code: null, signal: 'SIGKILL' });
    expect(await end).toMatchObject({ kind: 'failed', failure: { code: 'ENGINE_START' } });
  });

  it('sends a task that was still on its way, with the steering that came first', async () => {
    engine.warmUp();
    process(0).says(ready);
    let arrive: (task: EngineTask) => void = () => undefined;
    const end = engine.run('a', new Promise<EngineTask>((resolve) => (arrive = resolve)), () => undefined);
    engine.control({ kind: 'steer', jobId: 'a', steering: { guidanceScale: 2 } });
    expect(process(0).sent).toEqual([]);
    arrive(task('a'));
    await Promise.resolve();
    expect(process(0).sent).toEqual([task('a'), { kind: 'steer', jobId: 'a', steering: { guidanceScale: 2 } }]);
    process(0).says(failed('a'));
    expect((await end).kind).toBe('failed');
  });

  it('never sends a task that was stopped on its way, and takes the next one', async () => {
    engine.warmUp();
    process(0).says(ready);
    let arrive: (task: EngineTask) => void = () => undefined;
    const end = engine.run('a', new Promise<EngineTask>((resolve) => (arrive = resolve)), () => undefined);
    engine.stop('a');
    expect(await end).toEqual({ kind: 'abandoned', hard: false });
    void engine.run('b', task('b'), () => undefined);
    arrive(task('a'));
    await Promise.resolve();
    expect(process(0).sent).toEqual([task('b')]);
  });

  it('fails a task that cannot be put together, with its reason', async () => {
    engine.warmUp();
    process(0).says(ready);
    const gone = new StopbathError({ code: 'INVALID_INPUT', message: 'gone', field: 'image' });
    expect(await engine.run('a', Promise.reject<EngineTask>(gone), () => undefined)).toMatchObject({
      kind: 'failed',
      failure: { code: 'INVALID_INPUT', field: 'image' },
    });
    expect(process(0).sent).toEqual([]);
    expect(engine.status().state).toBe('ready');
  });

  it('asks the process to end, and does not wait long for one that is busy', async () => {
    engine.warmUp();
    process(0).says(ready);
    const end = engine.run('a', task('a'), () => undefined);
    const closed = engine.close();
    expect(await end).toEqual({ kind: 'abandoned', hard: true });
    expect(process(0).sent.at(-1)).toEqual({ kind: 'shutdown' });
    vi.advanceTimersByTime(500);
    expect(process(0).killed).toBe(true);
    process(0).ends({ code: null, signal: 'SIGKILL' });
    await closed;
    expect(states.at(-1)).toBe('stopped');
    vi.advanceTimersByTime(60_000);
    expect(started).toHaveLength(1);
  });
});

describe('counting tokens', () => {
  const ask = (text: string): ReturnType<EngineHost['countTokens']> =>
    engine.countTokens({ modelFolder: '/model', texts: [text], syntax: 'a1111' });
  const asked = (index: number): { requestId: string; texts: readonly string[] }[] =>
    process(index).sent.flatMap((command) => (command.kind === 'count-tokens' ? [command] : []));
  const answer = (requestId: string, tokens: number): EngineMessage => ({
    kind: 'tokens',
    requestId,
    counts: [{ chunks: [tokens], chunkSize: 75, cut: 0, cutText: '' }],
  });

  it('starts the process, then asks only what was asked last', async () => {
    const first = ask('a');
    const second = ask('ab');
    const third = ask('abc');
    await expect(first).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(second).rejects.toMatchObject({ code: 'INTERNAL' });
    process(0).says(ready);
    expect(asked(0).map(({ texts }) => texts)).toEqual([['abc']]);
    process(0).says(answer(asked(0)[0]?.requestId ?? '', 3));
    expect(await third).toMatchObject([{ chunks: [3] }]);
  });

  it('has one question with the process at a time, beside a task', async () => {
    engine.warmUp();
    process(0).says(ready);
    void engine.run('a', task('a'), () => undefined);
    const first = ask('a');
    const overtaken = ask('ab');
    const last = ask('abc');
    await expect(overtaken).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(asked(0)).toHaveLength(1);
    process(0).says(answer('of another', 9));
    process(0).says(answer(asked(0)[0]?.requestId ?? '', 1));
    expect(await first).toMatchObject([{ chunks: [1] }]);
    expect(asked(0).map(({ texts }) => texts)).toEqual([['a'], ['abc']]);
    process(0).says({ kind: 'tokens-failed', requestId: asked(0)[1]?.requestId ?? '', failure: { code: 'MODEL_TOKENIZER', message: 'none' } });
    await expect(last).rejects.toMatchObject({ code: 'MODEL_TOKENIZER' });
    expect(engine.status().state).toBe('loading');
  });

  it('gives up after a while; a late answer is not taken for the next one', async () => {
    engine.warmUp();
    process(0).says(ready);
    const first = ask('a');
    vi.advanceTimersByTime(15_000);
    await expect(first).rejects.toMatchObject({ code: 'INTERNAL' });
    const second = ask('ab');
    process(0).says(answer(asked(0)[0]?.requestId ?? '', 1));
    process(0).says(answer(asked(0)[1]?.requestId ?? '', 2));
    expect(await second).toMatchObject([{ chunks: [2] }]);
  });

  it('fails with the process, is not asked of one that keeps crashing, and not after the end', async () => {
    const first = ask('a');
    process(0).ends();
    await expect(first).rejects.toMatchObject({ code: 'ENGINE_START' });
    for (const index of [1, 2, 3]) {
      vi.advanceTimersByTime(10_000);
      process(index).ends();
    }
    await expect(ask('a')).rejects.toMatchObject({ code: 'ENGINE_START' });
    expect(started).toHaveLength(4);
    await engine.close();
    await expect(ask('a')).rejects.toMatchObject({ code: 'ENGINE_START' });
  });

  it('fails when its process is replaced by a hard stop', async () => {
    engine.warmUp();
    process(0).says(ready);
    void engine.run('a', task('a'), () => undefined);
    const count = ask('a');
    engine.stop('a');
    engine.stop('a');
    await expect(count).rejects.toMatchObject({ code: 'ENGINE_CRASH' });
  });
});

describe('reading files', () => {
  const opened = { folder: '/store/a', family: 'sd' as const, tasks: [], predictionType: 'epsilon' as const, width: 512, height: 512, uncertain: [] };
  const open = (path: string): ReturnType<EngineHost['openCheckpoint']> => engine.openCheckpoint({ path, store: '/store', overrides: {} });
  const asked = (index: number): { requestId: string; path: string }[] =>
    process(index).sent.flatMap((command) => (command.kind === 'open-checkpoint' ? [command] : []));
  const answer = (index: number, at: number): EngineMessage => ({ kind: 'checkpoint-opened', requestId: asked(index)[at]?.requestId ?? '', opened });

  it('answers every question, one after the other', async () => {
    const all = [open('/a'), open('/b'), open('/c')];
    process(0).says(ready);
    expect(asked(0).map(({ path }) => path)).toEqual(['/a']);
    process(0).says(answer(0, 0));
    process(0).says({ kind: 'question-failed', requestId: asked(0)[1]?.requestId ?? '', failure: { code: 'MODEL_BAD', message: 'cut off' } });
    process(0).says(answer(0, 2));
    expect(await Promise.allSettled(all)).toMatchObject([{ value: opened }, { reason: { code: 'MODEL_BAD' } }, { value: opened }]);
  });

  it('waits for its turn however long the ones before take, and gives up on its own', async () => {
    engine.warmUp();
    process(0).says(ready);
    const first = open('/a');
    const second = open('/b');
    vi.advanceTimersByTime(19 * 60_000);
    process(0).says(answer(0, 0));
    expect(await first).toEqual(opened);
    vi.advanceTimersByTime(19 * 60_000);
    process(0).says(answer(0, 1));
    expect(await second).toEqual(opened);
    const last = open('/c');
    vi.advanceTimersByTime(20 * 60_000);
    await expect(last).rejects.toMatchObject({ code: 'INTERNAL', message: 'The engine is too busy to open the model.' });
  });

  it('asks the next process again when a hard stop replaces one, and never for a reply of the old', async () => {
    engine.warmUp();
    process(0).says(ready);
    void engine.run('a', task('a'), () => undefined);
    const all = [open('/a'), open('/b')];
    engine.stop('a');
    engine.stop('a');
    process(0).says(answer(0, 0));
    process(1).says(ready);
    expect(asked(1).map(({ path }) => path)).toEqual(['/a']);
    process(1).says(answer(1, 0));
    process(1).says(answer(1, 1));
    expect(await Promise.all(all)).toEqual([opened, opened]);
  });

  it('fails with a process that dies of it', async () => {
    engine.warmUp();
    process(0).says(ready);
    const all = [engine.examine({ modelFolder: '/model', provider: 'auto' }), engine.readAdapter('/a'), open('/a')];
    process(0).ends({ code: null, signal: 'SIGSEGV' });
    for (const one of all) await expect(one).rejects.toMatchObject({ code: 'ENGINE_CRASH' });
  });

  it('forecasts for the newest request only', async () => {
    const forecast = { needBytes: 1, freeBytes: 2, totalBytes: 3, policy: 'keep', tiledVae: false, verdict: 'fits', parts: [] } as const;
    engine.warmUp();
    process(0).says(ready);
    const generate = task('a');
    if (generate.kind !== 'decode') throw new Error('not the task of this test');
    const use = { modelFolder: '/model', provider: 'auto', ...plainUse } as const;
    const [first, second, third] = [1, 2, 3].map((steps) => engine.forecast({ use, request: { ...generate.request, steps } }));
    await expect(second).rejects.toMatchObject({ code: 'INTERNAL' });
    for (const { requestId } of process(0).sent.flatMap((command) => (command.kind === 'forecast' ? [command] : []))) {
      process(0).says({ kind: 'forecast-made', requestId, forecast: { ...forecast, parts: [] } });
    }
    expect(await first).toEqual(forecast);
    const last = process(0).sent.findLast((command) => command.kind === 'forecast');
    expect(last?.request.steps).toBe(3);
    process(0).says({ kind: 'forecast-made', requestId: last?.requestId ?? '', forecast: { ...forecast, parts: [] } });
    expect(await third).toEqual(forecast);
  });

  it('is replaced on demand, but not under a task', async () => {
    engine.restart();
    expect(started).toHaveLength(0);
    engine.warmUp();
    process(0).says(ready);
    engine.restart();
    expect(process(0).killed).toBe(true);
    process(1).says(ready);
    const end = engine.run('a', task('a'), () => undefined);
    engine.restart();
    expect(process(1).killed).toBe(false);
    process(1).says(failed('a'));
    await end;
  });
});
