import { fork } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Checkpoint, EngineMessage } from '../../shared/engineProtocol.ts';
import { type GenerationRequest, type GuidanceEnd, guidedSteps, schedulerIds } from '../../shared/generation.ts';
import { runTraceSchema, stepRecordSchema } from '../../shared/job.ts';
import { checkpointsOf, createRig, ofKind, tinyRequest } from './testing/engineRig.ts';
import { type TinyModelOptions, writeTinyModel } from './testing/tinyModel.ts';

let folder: string;
beforeAll(async () => {
  folder = await writeTinyModel();
});

const request = (change: Partial<GenerationRequest>): GenerationRequest => ({ ...tinyRequest, ...change });
const last = (messages: readonly EngineMessage[]): EngineMessage | undefined => messages.at(-1);

describe('what a run says', () => {
  it('is complete, in order, and ends with the picture', async () => {
    const messages = await createRig(folder).generate({ previewMode: 'linear' });
    const order = messages.map(({ kind }) => kind);
    const perStep = ['step', 'checkpoint', 'preview'];
    expect(order).toEqual([
      'device',
      ...Array.from({ length: 4 }, () => 'loading'),
      ...Array.from({ length: 10 }, () => perStep).flat(),
      'decoding',
      'finished',
    ]);
    const steps = ofKind(messages, 'step').map(({ step }) => stepRecordSchema.parse(step));
    expect(steps.map(({ stepIndex }) => stepIndex)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(steps.map(({ sigma }) => sigma)).toEqual(steps.map(({ sigma }) => sigma).sort((a, b) => b - a));
    const [finished] = ofKind(messages, 'finished');
    const trace = runTraceSchema.parse(finished?.trace);
    expect(trace).toMatchObject({ status: 'finished', stepsDone: 10, numTimesteps: 10, unetEvaluationsTotal: 20, seed: '42' });
    expect(trace.steps).toEqual(steps);
    expect(finished?.image).toMatchObject({ width: 64, height: 64 });
    expect(finished?.image.rgb).toHaveLength(64 * 64 * 3);
  });

  it('says the same for the same request, and nothing of one job stays for the next', async () => {
    const rig = createRig(folder);
    const first = ofKind(await rig.generate(), 'finished')[0]?.image;
    await rig.generate({ request: request({ seed: '1', guidanceEnd: { kind: 'guided-steps', steps: 2 } }) });
    expect(ofKind(await rig.generate(), 'finished')[0]?.image).toEqual(first);
    expect(ofKind(await createRig(folder).generate(), 'finished')[0]?.image).toEqual(first);
  });

  it('loads a model once', async () => {
    const rig = createRig(folder);
    await rig.generate();
    expect(ofKind(await rig.generate(), 'loading')).toEqual([]);
  });

  it('runs tasks one after the other', async () => {
    const rig = createRig(folder);
    await Promise.all([rig.generate({ jobId: 'a' }), rig.generate({ jobId: 'b' })]);
    const jobs = rig.messages.flatMap((message) => ('jobId' in message ? [message.jobId] : []));
    expect(jobs.join('')).toMatch(/^a+b+$/);
  });

  it('shows decoded previews of the full size', async () => {
    const previews = ofKind(await createRig(folder).generate({ previewMode: 'decoder' }), 'preview');
    expect(previews).toHaveLength(10);
    expect(previews[0]).toMatchObject({ source: 'decoder', image: { width: 64, height: 64 } });
  });

  it('sends arrays that carry nothing beyond themselves', async () => {
    const messages = await createRig(folder).generate({ previewMode: 'linear' });
    for (const { latents, cleanEstimate } of checkpointsOf(messages)) {
      expect(latents.data.buffer.byteLength).toBe(latents.data.byteLength);
      expect(cleanEstimate.data.buffer.byteLength).toBe(cleanEstimate.data.byteLength);
    }
    for (const { image } of ofKind(messages, 'preview')) expect(image.rgb.buffer.byteLength).toBe(image.rgb.byteLength);
  });
});

describe('guidance', () => {
  const evaluations = async (guidanceEnd: GuidanceEnd, change: Partial<GenerationRequest> = {}): Promise<number[]> => {
    const messages = await createRig(folder).generate({ request: request({ guidanceEnd, ...change }) });
    return ofKind(messages, 'step').map(({ step }) => step.unetEvaluations);
  };

  it('ends at the end of step trunc(T * ratio)', async () => {
    expect(await evaluations({ kind: 'ratio', ratio: 0.4 })).toEqual([2, 2, 2, 2, 2, 1, 1, 1, 1, 1]);
    expect(await evaluations({ kind: 'ratio', ratio: 0 })).toEqual([2, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    expect(await evaluations({ kind: 'ratio', ratio: 0.5 })).toEqual([2, 2, 2, 2, 2, 2, 1, 1, 1, 1]);
    expect(await evaluations({ kind: 'ratio', ratio: 1 })).toEqual([2, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
  });

  it.each([[1, 0], [2, 0], [3, 1], [4, 1], [5, 2], [10, 4], [15, 6], [20, 8], [25, 10], [28, 11], [30, 12], [50, 20]])(
    'of %i steps with ratio 0.4 is cut after index %i',
    async (steps, cutoff) => {
      const counted = await evaluations({ kind: 'ratio', ratio: 0.4 }, { steps });
      expect(counted).toEqual(Array.from({ length: steps }, (_, index) => (index <= cutoff ? 2 : 1)));
      expect(guidedSteps({ kind: 'ratio', ratio: 0.4 }, steps)).toBe(cutoff + 1);
    },
  );

  it('lasts exactly the guided steps asked for', async () => {
    expect(await evaluations({ kind: 'guided-steps', steps: 3 })).toEqual([2, 2, 2, 1, 1, 1, 1, 1, 1, 1]);
    expect(await evaluations({ kind: 'guided-steps', steps: 0 })).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    expect(await evaluations({ kind: 'guided-steps', steps: 99 })).toEqual([2, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
  });

  it('is not computed at a scale of 1 or below, which all give the same picture', async () => {
    const images = [];
    for (const guidanceScale of [0, 0.5, 1]) {
      const messages = await createRig(folder).generate({ request: request({ guidanceScale }) });
      images.push(ofKind(messages, 'finished')[0]?.image.rgb);
      expect(ofKind(messages, 'finished')[0]?.trace).toMatchObject({ unetEvaluationsTotal: 10, unetEvaluationsSaved: 0 });
    }
    expect(images[1]).toEqual(images[0]);
    expect(images[2]).toEqual(images[0]);
  });

  it('follows what a person steers, off and on again', async () => {
    const rig = createRig(folder, (message) => {
      if (message.kind !== 'step') return;
      const steer = (guidanceEnd: GuidanceEnd): void =>
        void rig.engine.handle({ kind: 'steer', jobId: 'job', steering: { guidanceEnd } });
      if (message.step.stepIndex === 2) steer({ kind: 'guided-steps', steps: 1 });
      if (message.step.stepIndex === 5) steer({ kind: 'guided-steps', steps: 8 });
      if (message.step.stepIndex === 6) {
        void rig.engine.handle({ kind: 'steer', jobId: 'job', steering: { guidanceScale: 2 } });
      }
    });
    const messages = await rig.generate();
    const scales = ofKind(messages, 'step').map(({ step }) => step.guidanceScale);
    expect(scales).toEqual([5, 5, 5, 1, 1, 1, 5, 2, 1, 1]);
    expect(ofKind(messages, 'steered').map(({ afterStep }) => afterStep)).toEqual([2, 5, 6]);
    expect(checkpointsOf(messages).at(-1)).toMatchObject({ guidanceScale: 2, guidanceEnd: { kind: 'guided-steps', steps: 8 } });
  });
});

describe('stop', () => {
  it.each([0, 4, 8])('after step %i runs no further model call and nothing follows', async (index) => {
    const rig = createRig(folder, (message) => {
      if (message.kind === 'step' && message.step.stepIndex === index) {
        void rig.engine.handle({ kind: 'stop', jobId: 'job' });
      }
    });
    const messages = await rig.generate();
    expect(ofKind(messages, 'step')).toHaveLength(index + 1);
    expect(last(messages)).toMatchObject({ kind: 'stopped', trace: { status: 'stopped', stepsDone: index + 1 } });
    expect(ofKind(messages, 'decoding')).toEqual([]);
  });

  it('of a waiting job ends it before its first step', async () => {
    const rig = createRig(folder);
    const first = rig.generate({ jobId: 'a' });
    const second = rig.generate({ jobId: 'b' });
    await rig.engine.handle({ kind: 'stop', jobId: 'b' });
    await Promise.all([first, second]);
    const ofB = rig.messages.filter((message) => 'jobId' in message && message.jobId === 'b');
    expect(ofB.map(({ kind }) => kind)).toEqual(['stopped']);
    expect(ofB[0]).toMatchObject({ trace: { stepsDone: 0, numTimesteps: 10 } });
  });

  it('cuts a deliberate pace short', async () => {
    const rig = createRig(folder, (message) => {
      if (message.kind === 'checkpoint') void rig.engine.handle({ kind: 'stop', jobId: 'job' });
    });
    const messages = await rig.generate({ paceMs: 10_000 });
    expect(last(messages)).toMatchObject({ kind: 'stopped', trace: { stepsDone: 1 } });
  });

  it('leaves a checkpoint whose clean estimate decodes', async () => {
    const rig = createRig(folder, (message) => {
      if (message.kind === 'step' && message.step.stepIndex === 3) void rig.engine.handle({ kind: 'stop', jobId: 'job' });
    });
    const [checkpoint] = checkpointsOf(await rig.generate()).slice(-1);
    if (checkpoint === undefined) throw new Error('no checkpoint');
    const latents = checkpoint.cleanEstimate;
    await rig.engine.handle({ kind: 'decode', jobId: 'job', latents, modelFolder: folder, provider: 'cpu' });
    expect(last(rig.messages)).toMatchObject({ kind: 'decoded', image: { width: 64, height: 64 } });
  });
});

describe('resume', () => {
  const viaJson = (checkpoint: Checkpoint): Checkpoint => JSON.parse(JSON.stringify(checkpoint)) as Checkpoint;

  it.each(schedulerIds)('of %s after any step gives the very same picture', async (scheduler) => {
    const asked = request({ scheduler, steps: 7, guidanceEnd: { kind: 'ratio', ratio: 0.4 } });
    const rig = createRig(folder);
    const whole = await rig.generate({ request: asked });
    const final = checkpointsOf(whole).at(-1)?.latents.data;
    const image = ofKind(whole, 'finished')[0]?.image;
    for (const [index, checkpoint] of checkpointsOf(whole).entries()) {
      const from = index % 2 === 0 ? viaJson(checkpoint) : structuredClone(checkpoint);
      const rest = await rig.generate({ request: asked, from });
      expect(ofKind(rest, 'step').map(({ step }) => step.stepIndex)).toEqual([0, 1, 2, 3, 4, 5, 6].slice(index + 1));
      expect(checkpointsOf(rest).at(-1)?.latents.data ?? final).toEqual(final);
      expect(ofKind(rest, 'finished')[0]?.image).toEqual(image);
      expect(ofKind(rest, 'finished')[0]?.trace).toMatchObject({ stepsDone: 7, unetEvaluationsTotal: 10 });
    }
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
    const command = { kind: 'generate', jobId: 'j', request: asked, modelFolder: folder, provider: 'cpu', previewMode: 'off', paceMs: 0, from };
    const messages = await talk([command], ({ kind }) => kind === 'finished' || kind === 'failed');
    expect(messages[0]?.kind).toBe('ready');
    expect(checkpointsOf(messages).at(-1)?.latents).toEqual(checkpointsOf(whole).at(-1)?.latents);
    expect(ofKind(messages, 'finished')[0]?.image).toEqual(ofKind(whole, 'finished')[0]?.image);
  });

  it('hears a stop between two model calls', async () => {
    const asked = request({ steps: 500 });
    const generate = { kind: 'generate', jobId: 'j', request: asked, modelFolder: folder, provider: 'cpu', previewMode: 'linear', paceMs: 0 };
    const messages = await talk([generate, { kind: 'stop', jobId: 'j' }], ({ kind }) => kind === 'stopped' || kind === 'finished');
    expect(last(messages)).toMatchObject({ kind: 'stopped' });
  });

  it('ends with its parent', async () => {
    const child = fork(entry, [], { serialization: 'advanced', execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    await new Promise((resolve) => child.once('message', resolve));
    const code = new Promise((resolve) => child.once('exit', resolve));
    child.disconnect();
    expect(await code).toBe(0);
  });
});

describe('exports of other times', () => {
  const variants: [string, TinyModelOptions][] = [
    ['timestep int64 [1]', { timestep: { type: 'int64', dims: [1] } }],
    ['timestep float [batch]', { timestep: { type: 'float32', dims: ['batch'] } }],
    ['timestep float16 scalar', { timestep: { type: 'float16', dims: [] } }],
    ['input_ids int32', { idsType: 'int32' }],
  ];
  it.each(variants)('%s gives the same picture', async (_, options) => {
    // DDIM timesteps at 10 trailing steps are whole and small enough for half precision.
    const asked = { request: request({ scheduler: 'ddim' }) };
    const wanted = ofKind(await createRig(folder).generate(asked), 'finished')[0]?.image;
    const image = ofKind(await createRig(await writeTinyModel(options)).generate(asked), 'finished')[0]?.image;
    expect(image).toEqual(wanted);
  });
});

describe('bad models', () => {
  const failureOf = async (spoil: (copy: string) => Promise<void>, change: Partial<GenerationRequest> = {}) => {
    const copy = await mkdtemp(join(tmpdir(), 'stopbath-bad-'));
    await cp(folder, copy, { recursive: true });
    await spoil(copy);
    const end = last(await createRig(copy).generate({ request: request(change) }));
    if (end?.kind !== 'failed') throw new Error(`ended with ${end?.kind ?? 'nothing'}`);
    return end.failure;
  };

  it.each(['model_index.json', 'unet/model.onnx', 'vae_decoder/model.onnx', 'text_encoder/model.onnx', 'scheduler/scheduler_config.json'])(
    'without %s says so',
    async (name) => {
      const failure = await failureOf((copy) => rm(join(copy, name)));
      expect(failure).toMatchObject({ code: 'MODEL_PARTS' });
      expect(failure.message).toContain(name);
    },
  );

  it.each(['unet', 'vae_decoder', 'text_encoder'])('with a cut %s', async (part) => {
    const failure = await failureOf((copy) => truncate(join(copy, part, 'model.onnx'), 300));
    expect(failure).toMatchObject({ code: 'MODEL_BAD' });
    expect(failure.message).toContain(join(part, 'model.onnx'));
  });

  it('without a tokenizer', async () => {
    expect(await failureOf((copy) => rm(join(copy, 'tokenizer'), { recursive: true }))).toMatchObject({ code: 'MODEL_TOKENIZER' });
    expect((await failureOf((copy) => rm(join(copy, 'tokenizer/merges.txt')))).message).toContain('merges.txt');
  });

  it('with the tokenizer of another model', async () => {
    const larger = async (copy: string): Promise<void> => {
      const file = join(copy, 'tokenizer/vocab.json');
      const vocabulary = JSON.parse(await readFile(file, 'utf8')) as Record<string, number>;
      for (let id = 0; id < 20; id++) vocabulary[`x${id}`] = 9 + id;
      vocabulary['c</w>'] = 30;
      await writeFile(file, JSON.stringify(vocabulary));
    };
    expect(await failureOf(larger)).toMatchObject({ code: 'MODEL_TOKENIZER' });
    // Without a config to compare with, the model itself has to notice.
    const unnoticed = async (copy: string): Promise<void> => {
      await larger(copy);
      await rm(join(copy, 'text_encoder/config.json'));
    };
    expect(await failureOf(unnoticed)).toMatchObject({ code: 'MODEL_TOKENIZER' });
  });

  it('with weights that are no numbers', async () => {
    const end = last(await createRig(await writeTinyModel({ nanWeights: true })).generate());
    expect(end).toMatchObject({ kind: 'failed', failure: { code: 'MODEL_NAN' } });
  });

  it('that is no folder, or of another family', async () => {
    expect(await failureOf((copy) => rm(copy, { recursive: true }))).toMatchObject({ code: 'MODEL_NOT_FOUND' });
    const flux = (copy: string): Promise<void> => writeFile(join(copy, 'model_index.json'), '{"_class_name":"FluxPipeline"}');
    expect(await failureOf(flux)).toMatchObject({ code: 'MODEL_UNSUPPORTED' });
  });

  it('asked for a size it cannot draw', async () => {
    expect(await failureOf(() => Promise.resolve(), { width: 72 })).toMatchObject({ code: 'INVALID_INPUT', field: 'width' });
  });

  it('do no harm to the next job', async () => {
    const rig = createRig(folder);
    await rig.generate({ modelFolder: '/nowhere' });
    expect(last(await rig.generate())?.kind).toBe('finished');
  });
});
