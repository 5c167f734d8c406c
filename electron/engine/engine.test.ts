import { beforeAll, describe, expect, it } from 'vitest';
import { plainUse, type EngineMessage } from '../../shared/engineProtocol.ts';
import { type GenerationRequest, type GuidanceEnd, guidedSteps } from '../../shared/generation.ts';
import { runTraceSchema, stepRecordSchema } from '../../shared/job.ts';
import { mapTensor } from './tensor/tensor.ts';
import { checkpointsOf, createRig, ofKind, tinyRequest } from './testing/engineRig.ts';
import { writeTinyModel } from './testing/tinyModel.ts';

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
    expect(finished?.images[0]).toMatchObject({ width: 64, height: 64 });
    expect(finished?.images[0]?.rgb).toHaveLength(64 * 64 * 3);
  });

  it('says the same for the same request, and nothing of one job stays for the next', async () => {
    const rig = createRig(folder);
    const first = ofKind(await rig.generate(), 'finished')[0]?.images[0];
    await rig.generate({ request: request({ seed: '1', guidanceEnd: { kind: 'guided-steps', steps: 2 } }) });
    expect(ofKind(await rig.generate(), 'finished')[0]?.images[0]).toEqual(first);
    expect(ofKind(await createRig(folder).generate(), 'finished')[0]?.images[0]).toEqual(first);
  });

  it.each([
    ['prompt', { prompt: 'a '.repeat(80) }],
    ['morePrompts.0', { morePrompts: ['a '.repeat(160)], prompt: 'a '.repeat(80) }],
    ['negativePrompt', { negativePrompt: 'a '.repeat(80) }],
  ])('refuses a %s of more chunks than the UNet was exported for', async (field, change) => {
    const fixed = createRig(await writeTinyModel({ tokens: 77 }));
    const failed = last(await fixed.generate({ request: request(change) }));
    expect(failed).toMatchObject({ kind: 'failed', failure: { code: 'INVALID_INPUT', field, message: expect.stringMatching(/exported for 1/) as unknown } });
    expect(last(await fixed.generate({ request: request({ ...change, promptSyntax: 'plain' }) }))?.kind).toBe('finished');
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

describe('callbacks of the caller', () => {
  it('change the run, and the checkpoint holds what they changed', async () => {
    const seen: number[] = [];
    const messages = await createRig(folder).generate({}, [
      {
        name: 'mine',
        callbackOnStepEnd(run, stepIndex, _timestep, { latents }) {
          seen.push(stepIndex);
          if (latents === undefined) return undefined;
          return { guidanceScale: 2, tensors: { latents: mapTensor(latents, () => 0.5) }, interrupt: run.stepIndex === 6 };
        },
      },
    ]);
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(ofKind(messages, 'step').map(({ step }) => step.guidanceScale)).toEqual([5, 2, 2, 2, 2, 2, 2]);
    expect(new Set(checkpointsOf(messages)[3]?.latents.data)).toEqual(new Set([0.5]));
    expect(last(messages)).toMatchObject({ kind: 'stopped', trace: { stepsDone: 7 } });
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
      images.push(ofKind(messages, 'finished')[0]?.images[0]?.rgb);
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
    expect(checkpointsOf(messages).at(-1)?.log).toEqual([
      { afterStep: 2, steering: { guidanceEnd: { kind: 'guided-steps', steps: 1 } } },
      { afterStep: 5, steering: { guidanceEnd: { kind: 'guided-steps', steps: 8 } } },
      { afterStep: 6, steering: { guidanceScale: 2 } },
    ]);
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
    await rig.engine.handle({ kind: 'decode', jobId: 'job', latents, request: tinyRequest, inputs: null, modelFolder: folder, provider: 'cpu', ...plainUse });
    expect(last(rig.messages)).toMatchObject({ kind: 'decoded', images: [{ width: 64, height: 64 }] });
  });
});
