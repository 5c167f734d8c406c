import { beforeAll, describe, expect, it } from 'vitest';
import type { EngineCommand, EngineMessage } from '../../../shared/engineProtocol.ts';
import type { GenerationRequest } from '../../../shared/generation.ts';
import type { Breakpoint } from '../../../shared/job.ts';
import { checkpointsOf, createRig, ofKind, type Rig, tinyRequest } from '../testing/engineRig.ts';
import { writeTinyModel } from '../testing/tinyModel.ts';

let folder: string;
beforeAll(async () => {
  folder = await writeTinyModel();
});

const jobId = 'job';
type Command = Exclude<EngineCommand, { kind: 'shutdown' | 'self-test' }>;
type Heard = (message: EngineMessage, send: (command: Command) => void) => void;

function rigThat(heard: Heard): Rig {
  const rig: Rig = createRig(folder, (message) => heard(message, (command) => void rig.engine.handle(command)));
  return rig;
}

/** What holds of every stream of events, however a run was paused. */
function checkStream(messages: readonly EngineMessage[]): void {
  let paused: number | null = null;
  let done = 0;
  for (const message of messages) {
    if (message.kind === 'step') {
      expect(paused, 'no step while paused').toBeNull();
      expect(message.step.stepIndex).toBe(done++);
    }
    if (message.kind === 'paused') {
      expect(paused, 'not paused twice').toBeNull();
      expect(message.stepsDone).toBe(done);
      paused = message.stepsDone;
    }
    if (message.kind === 'resumed') {
      expect(paused, 'resumed from a pause').not.toBeNull();
      paused = null;
    }
    if (message.kind === 'finished' || message.kind === 'decoding') expect(paused).toBeNull();
  }
  expect(messages.filter(({ kind }) => kind === 'finished' || kind === 'stopped' || kind === 'failed')).toHaveLength(1);
}

const pausesOf = (messages: readonly EngineMessage[]) => ofKind(messages, 'paused').map(({ stepsDone, reason }) => [stepsDone, reason]);

async function withBreakpoints(breakpoints: readonly Breakpoint[], request: Partial<GenerationRequest> = {}): Promise<EngineMessage[]> {
  const rig = rigThat((message, send) => {
    if (message.kind === 'paused') setTimeout(() => send({ kind: 'resume', jobId, steps: 'all' }), 1);
  });
  const running = rig.generate({ request: { ...tinyRequest, ...request } });
  void rig.engine.handle({ kind: 'breakpoints', jobId, breakpoints });
  return running;
}

describe('a pause', () => {
  it('waits after the step in progress, and the run is the same', async () => {
    const rig = rigThat((message, send) => {
      if (message.kind === 'step' && message.step.stepIndex === 3) send({ kind: 'pause', jobId });
      if (message.kind === 'paused') setTimeout(() => send({ kind: 'resume', jobId, steps: 'all' }), 300);
    });
    const begun = performance.now();
    const messages = await rig.generate();
    const elapsed = performance.now() - begun;
    checkStream(messages);
    expect(pausesOf(messages)).toEqual([[4, 'asked']]);
    // Its checkpoint has left before it waits.
    const kinds = messages.map(({ kind }) => kind);
    expect(kinds.slice(kinds.indexOf('paused') - 2, kinds.indexOf('paused') + 2)).toEqual(['step', 'checkpoint', 'paused', 'resumed']);
    const plain = await createRig(folder).generate();
    expect(checkpointsOf(messages).at(-1)?.latents).toEqual(checkpointsOf(plain).at(-1)?.latents);
    // The wait is in no time that is told: what it took is missing from the whole, and from every step.
    const trace = ofKind(messages, 'finished')[0]?.trace;
    const waited = 290;
    expect(trace?.timingsMs.total ?? NaN).toBeLessThan(elapsed - waited);
    expect((trace?.steps ?? []).reduce((sum, { ms }) => sum + ms, 0)).toBeLessThan(elapsed - waited);
  });

  it('asked for before the run begins comes after its first step', async () => {
    const rig = rigThat((message, send) => {
      if (message.kind === 'paused') send({ kind: 'resume', jobId, steps: 'all' });
    });
    const running = rig.generate();
    void rig.engine.handle({ kind: 'pause', jobId });
    const messages = await running;
    checkStream(messages);
    expect(pausesOf(messages)).toEqual([[1, 'asked']]);
  });

  it('takes no processor time', async () => {
    let used = 0;
    const rig = rigThat((message, send) => {
      if (message.kind === 'step' && message.step.stepIndex === 1) send({ kind: 'pause', jobId });
      if (message.kind !== 'paused') return;
      const before = process.cpuUsage();
      setTimeout(() => {
        const { user, system } = process.cpuUsage(before);
        used = (user + system) / 1000;
        send({ kind: 'resume', jobId, steps: 'all' });
      }, 400);
    });
    await rig.generate();
    // Milliseconds, of 400; what else the process does is in it.
    expect(used).toBeLessThan(150);
  });

  it('ends with a stop, without a word', async () => {
    const rig = rigThat((message, send) => {
      if (message.kind === 'step' && message.step.stepIndex === 2) send({ kind: 'pause', jobId });
      if (message.kind === 'paused') setTimeout(() => send({ kind: 'stop', jobId }), 5);
    });
    const messages = await rig.generate();
    checkStream(messages);
    expect(messages.slice(-2).map(({ kind }) => kind)).toEqual(['paused', 'stopped']);
    expect(messages.at(-1)).toMatchObject({ trace: { stepsDone: 3 } });
  });

  it('never comes after the last step', async () => {
    const rig = rigThat((message, send) => {
      if (message.kind === 'step' && message.step.stepIndex === 9) send({ kind: 'pause', jobId });
    });
    const messages = await rig.generate();
    expect(messages.at(-1)?.kind).toBe('finished');
    expect(pausesOf(messages)).toEqual([]);
  });

  it('goes on step by step', async () => {
    const rig = rigThat((message, send) => {
      if (message.kind === 'step' && message.step.stepIndex === 1) send({ kind: 'pause', jobId });
      if (message.kind === 'paused') setTimeout(() => send({ kind: 'resume', jobId, steps: message.stepsDone < 5 ? 1 : 'all' }), 1);
    });
    const messages = await rig.generate();
    checkStream(messages);
    expect(pausesOf(messages)).toEqual([[2, 'asked'], [3, 'single-step'], [4, 'single-step'], [5, 'single-step']]);
  });

  it('lets what is steered meanwhile count at once, and keeps it', async () => {
    const rig = rigThat((message, send) => {
      if (message.kind === 'step' && message.step.stepIndex === 4) send({ kind: 'pause', jobId });
      if (message.kind !== 'paused') return;
      setTimeout(() => {
        send({ kind: 'steer', jobId, steering: { guidanceScale: 2 } });
        send({ kind: 'steer', jobId, steering: { prompt: 'c', tail: { steps: 3 } } });
      }, 1);
      setTimeout(() => send({ kind: 'resume', jobId, steps: 'all' }), 60);
    });
    const messages = await rig.generate();
    checkStream(messages);
    expect(ofKind(messages, 'steered').map(({ afterStep }) => afterStep)).toEqual([4, 4]);
    const kinds = messages.map(({ kind }) => kind);
    expect(kinds.lastIndexOf('steered')).toBeLessThan(kinds.indexOf('resumed'));
    expect(ofKind(messages, 'step').map(({ step }) => step.guidanceScale)).toEqual([5, 5, 5, 5, 5, 2, 2, 2]);
    // The checkpoint of that step has come again, with what was steered: a crash while paused loses nothing.
    const again = checkpointsOf(messages).filter(({ stepsDone }) => stepsDone === 5).at(-1);
    expect(again).toMatchObject({ numTimesteps: 8, log: [{ afterStep: 4, steering: { guidanceScale: 2 } }, { afterStep: 4, steering: { prompt: 'c' } }] });
    expect(again?.steps).toHaveLength(5);
    const rest = await createRig(folder).generate(again === undefined ? {} : { from: again });
    expect(checkpointsOf(rest).at(-1)?.latents).toEqual(checkpointsOf(messages).at(-1)?.latents);
  });
});

describe('a breakpoint', () => {
  it('at a step pauses after it, wherever it lies', async () => {
    const messages = await withBreakpoints([{ kind: 'step', stepIndex: 2 }, { kind: 'step', stepIndex: 7 }, { kind: 'step', stepIndex: 9 }, { kind: 'step', stepIndex: 90 }]);
    checkStream(messages);
    expect(pausesOf(messages)).toEqual([[3, 'step'], [8, 'step']]);
  });

  it('before the cutoff pauses when the next step is the first without guidance', async () => {
    const messages = await withBreakpoints([{ kind: 'cutoff' }], { guidanceEnd: { kind: 'guided-steps', steps: 4 } });
    checkStream(messages);
    expect(pausesOf(messages)).toEqual([[4, 'cutoff']]);
    expect(pausesOf(await withBreakpoints([{ kind: 'cutoff' }]))).toEqual([]);
  });

  it('of a settled picture pauses once on the way down', async () => {
    const plain = await createRig(folder).generate();
    const changes = ofKind(plain, 'step').map(({ step }) => step.estimateChange);
    expect(changes[0]).toBeNull();
    const threshold = changes[6] ?? 0;
    // It falls below after the step at which it first is smaller.
    const first = changes.findIndex((change) => change !== null && change < threshold);
    const messages = await withBreakpoints([{ kind: 'settled', threshold }]);
    checkStream(messages);
    expect(pausesOf(messages)[0]).toEqual([first + 1, 'settled']);
    expect(pausesOf(messages).length).toBeLessThan(3);
  });
});
