import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { plainUse, type Checkpoint, type EngineMessage } from '../../shared/engineProtocol.ts';
import type { GenerationRequest } from '../../shared/generation.ts';
import { schedulerIds } from '../../shared/samplers.ts';
import type { StepCallback } from './callbacks/callback.ts';
import { checkpointsOf, createRig, ofKind, tinyRequest } from './testing/engineRig.ts';
import { writeTinyModel } from './testing/tinyModel.ts';

let folder: string;
beforeAll(async () => {
  folder = await writeTinyModel();
});

const request = (change: Partial<GenerationRequest>): GenerationRequest => ({ ...tinyRequest, ...change });
const last = (messages: readonly EngineMessage[]): EngineMessage | undefined => messages.at(-1);
describe('resume', () => {
  const viaJson = (checkpoint: Checkpoint): Checkpoint => JSON.parse(JSON.stringify(checkpoint)) as Checkpoint;

  it.each(schedulerIds)('of %s after any step gives the very same picture', async (scheduler) => {
    const asked = request({ scheduler, steps: 7, guidanceEnd: { kind: 'ratio', ratio: 0.4 } });
    const model = scheduler === 'flow_euler' ? await writeTinyModel({ scheduler: { prediction_type: 'flow_prediction' } }) : folder;
    const rig = createRig(model);
    const whole = await rig.generate({ request: asked });
    const final = checkpointsOf(whole).at(-1)?.latents.data;
    const image = ofKind(whole, 'finished')[0]?.images;
    const all = ofKind(whole, 'step').map(({ step }) => step.stepIndex);
    expect(all.length).toBeGreaterThanOrEqual(7);
    const unetEvaluationsTotal = ofKind(whole, 'finished')[0]?.trace.unetEvaluationsTotal;
    for (const [index, checkpoint] of checkpointsOf(whole).entries()) {
      const from = index % 2 === 0 ? viaJson(checkpoint) : structuredClone(checkpoint);
      const rest = await rig.generate({ request: asked, from });
      expect(ofKind(rest, 'step').map(({ step }) => step.stepIndex)).toEqual(all.slice(index + 1));
      expect(checkpointsOf(rest).at(-1)?.latents.data ?? final).toEqual(final);
      expect(ofKind(rest, 'finished')[0]?.images).toEqual(image);
      expect(ofKind(rest, 'finished')[0]?.trace).toMatchObject({ stepsDone: all.length, unetEvaluationsTotal });
    }
  });

  it('keeps a guidance scale that a callback has set, until another is steered', async () => {
    const rig = createRig(folder);
    const once: StepCallback = {
      name: 'once',
      callbackOnStepEndTensorInputs: [],
      callbackOnStepEnd: (_run, stepIndex) => (stepIndex === 2 ? { guidanceScale: 1.7 } : undefined),
    };
    const whole = await rig.generate({}, [once]);
    const from = checkpointsOf(whole)[5];
    if (from === undefined) throw new Error('no checkpoint');
    const rest = await rig.generate({ from: viaJson(from) }, [once]);
    expect(ofKind(rest, 'step').map(({ step }) => step.guidanceScale)).toEqual([1.7, 1.7, 1.7, 1.7]);
    expect(checkpointsOf(rest).at(-1)?.latents).toEqual(checkpointsOf(whole).at(-1)?.latents);
    const steering = [{ afterStep: 5, steering: { guidanceScale: 3 } }];
    const other = await rig.generate({ from, request: request({ steering }) });
    expect(ofKind(other, 'step').map(({ step }) => step.guidanceScale)).toEqual([3, 3, 3, 3]);
  });

  it('refuses other weights and another plan', async () => {
    const rig = createRig(folder);
    const [from] = checkpointsOf(await rig.generate());
    if (from === undefined) throw new Error('no checkpoint');
    const otherWeights = await rig.generate({ from: { ...from, modelHash: '0' } });
    expect(last(otherWeights)).toMatchObject({ kind: 'failed', failure: { code: 'INVALID_INPUT' } });
    const otherSteps = await rig.generate({ from, request: request({ steps: 11 }) });
    expect(last(otherSteps)).toMatchObject({ kind: 'failed', failure: { code: 'INVALID_INPUT' } });
  });
});

describe('the engine process', () => {
  const entry = fileURLToPath(new URL('process.ts', import.meta.url));

  function talk(commands: object[], until: (message: EngineMessage) => boolean): Promise<EngineMessage[]> {
    return new Promise((resolve, reject) => {
      const child = fork(entry, [], { serialization: 'advanced', execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
      const messages: EngineMessage[] = [];
      child.on('message', (value) => {
        const message = value as EngineMessage;
        messages.push(message);
        if (message.kind === 'ready') for (const command of commands) child.send(command);
        if (until(message)) child.send({ kind: 'shutdown' });
      });
      child.on('exit', (code) => (code === 0 ? resolve(messages) : reject(new Error(`exit code ${String(code)}`))));
    });
  }

  it('resumes in a new process bit by bit the same, also a multistep scheduler', async () => {
    const asked = request({ scheduler: 'dpmpp_2m', steps: 6 });
    const whole = await createRig(folder).generate({ request: asked });
    const from = checkpointsOf(whole)[2];
    const command = { kind: 'generate', jobId: 'j', request: asked, inputs: null, modelFolder: folder, provider: 'cpu', ...plainUse, previewMode: 'off', paceMs: 0, from };
    const messages = await talk([command], ({ kind }) => kind === 'finished' || kind === 'failed');
    expect(messages[0]?.kind).toBe('ready');
    expect(checkpointsOf(messages).at(-1)?.latents).toEqual(checkpointsOf(whole).at(-1)?.latents);
    expect(ofKind(messages, 'finished')[0]?.images).toEqual(ofKind(whole, 'finished')[0]?.images);
  });

  it('drops messages it cannot read, and goes on', async () => {
    const generate = { kind: 'generate', jobId: 'j', request: tinyRequest, inputs: null, modelFolder: folder, provider: 'cpu', ...plainUse, previewMode: 'off', paceMs: 0 };
    const junk = ['text', {}, { kind: 'unknown' }, { kind: 'generate', jobId: 'x' }, { kind: 'stop', jobId: 'nobody' }];
    const messages = await talk([generate, ...junk as object[], { kind: 'steer', jobId: 'j' }], ({ kind }) => kind === 'finished');
    expect(last(messages)).toMatchObject({ kind: 'finished', trace: { stepsDone: 10 } });
  });

  it('hears a stop between two model calls', async () => {
    const asked = request({ steps: 500 });
    const generate = { kind: 'generate', jobId: 'j', request: asked, inputs: null, modelFolder: folder, provider: 'cpu', ...plainUse, previewMode: 'linear', paceMs: 0 };
    const messages = await talk([generate, { kind: 'stop', jobId: 'j' }], ({ kind }) => kind === 'stopped' || kind === 'finished');
    expect(last(messages)).toMatchObject({ kind: 'stopped' });
  });

  it('ends with its parent, also in the middle of a run', async () => {
    const child = fork(entry, [], { serialization: 'advanced', execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    const code = new Promise((resolve) => child.once('exit', resolve));
    child.on('message', ({ kind }: EngineMessage) => {
      const generate = { kind: 'generate', jobId: 'j', request: request({ steps: 500 }), inputs: null, modelFolder: folder, provider: 'cpu', ...plainUse, previewMode: 'off', paceMs: 50 };
      if (kind === 'ready') child.send(generate);
      if (kind === 'step') child.disconnect();
    });
    expect(await code).toBe(0);
  });

  it('ends with its parent, idle', async () => {
    const child = fork(entry, [], { serialization: 'advanced', execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    await new Promise((resolve) => child.once('message', resolve));
    const code = new Promise((resolve) => child.once('exit', resolve));
    child.disconnect();
    expect(await code).toBe(0);
  });
});
