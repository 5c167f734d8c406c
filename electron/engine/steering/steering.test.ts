import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Checkpoint, EngineMessage } from '../../../shared/engineProtocol.ts';
import { type GenerationRequest, type SteeringEntry } from '../../../shared/generation.ts';
import type { Steering } from '../../../shared/job.ts';
import { type SchedulerId, schedulerIds, takesEta } from '../../../shared/samplers.ts';
import type { StepCallback } from '../callbacks/callback.ts';
import { mapTensor } from '../tensor/tensor.ts';
import type { Continued, SavedRuns } from '../testing/continueRuns.ts';
import { checkpointsOf, createRig, ofKind, type Rig, tinyRequest } from '../testing/engineRig.ts';
import { writeTinyModel } from '../testing/tinyModel.ts';

let folder: string;
let flowFolder: string;
beforeAll(async () => {
  folder = await writeTinyModel();
  flowFolder = await writeTinyModel({ scheduler: { prediction_type: 'flow_prediction' } });
});

const request = (change: Partial<GenerationRequest> = {}): GenerationRequest => ({ ...tinyRequest, ...change });
const entry = (afterStep: number, steering: Steering): SteeringEntry => ({ afterStep, steering });
const lastLatents = (messages: readonly EngineMessage[]): Float32Array | undefined => checkpointsOf(messages).at(-1)?.latents.data;
const failureOf = (messages: readonly EngineMessage[]) => ofKind(messages, 'failed')[0]?.failure;
const longPrompt = Array.from({ length: 90 }, () => 'ab c').join(' ');

/** A rig in which a person steers when a step with that index has come. */
function steeringRig(live: Readonly<Record<number, Steering>>, model = folder): Rig {
  const rig = createRig(model, (message) => {
    const steering = message.kind === 'step' ? live[message.step.stepIndex] : undefined;
    if (steering !== undefined) void rig.engine.handle({ kind: 'steer', jobId: 'job', steering });
  });
  return rig;
}

function executedLog(messages: readonly EngineMessage[]): SteeringEntry[] {
  return ofKind(messages, 'steered').map(({ steering, afterStep }) => ({ afterStep, steering }));
}

/** Everything at once: guidance off and on again, another prompt with a schedule, new noise, another number of steps. */
const everything = (scheduler: SchedulerId): SteeringEntry[] => [
  entry(0, { guidanceScale: 3, guidanceRescale: 0.5 }),
  entry(1, { prompt: `[c:${longPrompt}:0.8]`, negativePrompt: 'b (c:1.3)', noiseSeed: '77' }),
  entry(2, { guidanceEnd: { kind: 'guided-steps', steps: 2 } }),
  entry(3, { tail: { steps: 5, scheduler } }),
  entry(5, { guidanceEnd: { kind: 'never' }, guidanceCurve: { kind: 'linear', to: 6 } }),
];

describe('a run whose log changes everything', () => {
  it('goes on in a new process bit by bit the same, with every scheduler, from any step', async () => {
    const runs: { request: GenerationRequest; from: Checkpoint }[] = [];
    const wanted: { latents: Float32Array; pixels: number[]; evaluations: number; what: string }[] = [];
    const ids = schedulerIds.filter((id) => id !== 'flow_euler');
    for (const [index, scheduler] of ids.entries()) {
      // Half of it planned, half steered live: the log in the checkpoint and the request's have to be put together.
      const log = everything(ids[(index + 5) % ids.length] ?? 'euler');
      const asked = request({ scheduler, steps: 7, eta: takesEta(scheduler) ? 0.4 : 0, steering: log.filter((_, at) => at % 2 === 0) });
      const live = Object.fromEntries(log.filter((_, at) => at % 2 === 1).map(({ afterStep, steering }) => [afterStep, steering]));
      const whole = await steeringRig(live).generate({ request: asked });
      expect(failureOf(whole), scheduler).toBeUndefined();
      expect(executedLog(whole), scheduler).toEqual(log);
      const checkpoints = checkpointsOf(whole);
      const total = checkpoints.at(-1)?.numTimesteps ?? 0;
      expect(checkpoints.map(({ stepsDone }) => stepsDone)).toEqual(Array.from({ length: total }, (_, at) => at + 1));
      const cuts = [1, 4, total - 1, 1 + Math.floor(Math.random() * (total - 1))];
      const finished = ofKind(whole, 'finished')[0];
      for (const cut of cuts) {
        const from = checkpoints[cut - 1];
        if (from === undefined) throw new Error('no checkpoint');
        // What a person steered after the cut is no part of the request: as a fork it is put in again.
        const later = log.filter(({ afterStep }, at) => at % 2 === 1 && afterStep > cut - 1);
        runs.push({ request: { ...asked, steering: [...asked.steering, ...later].sort((a, b) => a.afterStep - b.afterStep) }, from });
        wanted.push({
          latents: lastLatents(whole) ?? new Float32Array(),
          pixels: [...(finished?.images[0]?.rgb ?? [])],
          evaluations: finished?.trace.unetEvaluationsTotal ?? 0,
          what: `${scheduler} cut after ${cut} of ${total}`,
        });
      }
    }
    const results = continued({ folder, runs });
    wanted.forEach(({ latents, pixels, evaluations, what }, at) => {
      expect(results[at]?.failure, what).toBeNull();
      expect(results[at]?.latents, what).toEqual([...latents]);
      expect(results[at]?.pixels, what).toEqual(pixels);
      expect(results[at]?.evaluations, what).toBe(evaluations);
    });
  }, 120_000);

  it.each(schedulerIds)('drawn again from noise by its log is the same picture: %s', async (scheduler) => {
    const live = Object.fromEntries(everything('dpmpp_2m_sde').map(({ afterStep, steering }) => [afterStep, steering]));
    const asked = request({ scheduler, steps: 7 });
    const model = scheduler === 'flow_euler' ? flowFolder : folder;
    const whole = await steeringRig(live, model).generate({ request: asked });
    const again = await createRig(model).generate({ request: { ...asked, steering: executedLog(whole) } });
    expect(executedLog(again)).toEqual(executedLog(whole));
    expect(lastLatents(again)).toEqual(lastLatents(whole));
    expect(ofKind(again, 'finished')[0]?.images).toEqual(ofKind(whole, 'finished')[0]?.images);
    const plain = await createRig(model).generate({ request: asked });
    expect(lastLatents(plain)).not.toEqual(lastLatents(whole));
  });
});

function continued(saved: SavedRuns): Continued[] {
  const script = fileURLToPath(new URL('../testing/continueRuns.ts', import.meta.url));
  const output = execFileSync(process.execPath, [script], { input: JSON.stringify(saved), maxBuffer: 2 ** 28, stdio: ['pipe', 'pipe', 'ignore'] });
  return JSON.parse(output.toString()) as Continued[];
}

describe('a fork', () => {
  const live = { 1: { guidanceScale: 7 }, 3: { prompt: 'c c' } };
  const asked = request({ scheduler: 'dpmpp_2m', steps: 8, steering: [entry(2, { noiseSeed: '3' }), entry(6, { guidanceScale: 2 })] });

  it('with nothing changed is its parent bit by bit, and so is the whole run from noise', async () => {
    const parent = await steeringRig(live).generate({ request: asked });
    const log = executedLog(parent);
    for (const from of checkpointsOf(parent).slice(0, -1)) {
      // Of the parent's own plan the part behind the fork stays.
      const steering = [...log.filter(({ afterStep }) => afterStep < from.stepsDone), entry(from.stepsDone - 1, {}), ...log.filter(({ afterStep }) => afterStep >= from.stepsDone)];
      const fork = await createRig(folder).generate({ request: { ...asked, steering }, from });
      expect(failureOf(fork)).toBeUndefined();
      expect(lastLatents(fork), `after ${from.stepsDone}`).toEqual(lastLatents(parent));
      // Nothing of a parent is told again.
      expect(executedLog(fork)).toEqual(log.filter(({ afterStep }) => afterStep >= from.stepsDone));
    }
    const replay = await createRig(folder).generate({ request: { ...asked, steering: log } });
    expect(lastLatents(replay)).toEqual(lastLatents(parent));
  });

  it.each([
    ['another prompt', { prompt: longPrompt }],
    ['a shorter end', { tail: { steps: 2, scheduler: 'ddim' } }],
    ['new noise and guidance', { guidanceScale: 1.5, noiseSeed: '9' }],
  ] satisfies [string, Steering][])('with %s differs from its parent only after its step, and equals its replay', async (_name, steering) => {
    const sde = { ...asked, scheduler: 'dpmpp_2m_sde' as const };
    const parent = await steeringRig(live).generate({ request: sde });
    const from = checkpointsOf(parent)[4];
    if (from === undefined) throw new Error('no checkpoint');
    const log = [...executedLog(parent).filter(({ afterStep }) => afterStep < from.stepsDone), entry(from.stepsDone - 1, steering)];
    const fork = await createRig(folder).generate({ request: { ...sde, steering: log }, from });
    expect(executedLog(fork)).toEqual([entry(4, steering)]);
    const replay = await createRig(folder).generate({ request: { ...sde, steering: log } });
    expect(lastLatents(fork)).toEqual(lastLatents(replay));
    expect(ofKind(fork, 'finished')[0]?.images).toEqual(ofKind(replay, 'finished')[0]?.images);
    const [ofParent, ofReplay] = [checkpointsOf(parent), checkpointsOf(replay)];
    for (let step = 0; step < 4; step++) expect(ofReplay[step]?.latents).toEqual(ofParent[step]?.latents);
    expect(ofReplay[5]?.latents).not.toEqual(ofParent[5]?.latents);
    // Its first checkpoint is that of the cut, with the change in it: it too can be gone on from.
    const again = checkpointsOf(fork)[0];
    if (again === undefined) throw new Error('no checkpoint');
    expect(again.stepsDone).toBe(5);
    const rest = await createRig(folder).generate({ request: { ...sde, steering: log }, from: again });
    expect(lastLatents(rest)).toEqual(lastLatents(fork));
  });

  it('is refused where its past, or anything but its steering, is another', async () => {
    const parent = await steeringRig(live).generate({ request: asked });
    const from = checkpointsOf(parent)[4];
    if (from === undefined) throw new Error('no checkpoint');
    const tried = async (change: Partial<GenerationRequest>) => failureOf(await createRig(folder).generate({ request: { ...asked, ...change }, from }));
    expect(await tried({ steering: [entry(1, { guidanceScale: 8 })] })).toMatchObject({ code: 'INVALID_INPUT', field: 'steering' });
    expect(await tried({ steering: [] })).toMatchObject({ code: 'INVALID_INPUT', field: 'steering' });
    expect(await tried({ prompt: 'c' })).toMatchObject({ field: 'prompt', nextStep: expect.stringMatching(/Steer/) as unknown });
    expect(await tried({ steps: 9 })).toMatchObject({ field: 'steps', message: expect.stringMatching(/another steps/) as unknown });
    expect(await tried({})).toBeUndefined();
    const end = checkpointsOf(parent).at(-1);
    if (end === undefined) throw new Error('no checkpoint');
    const steering = [...executedLog(parent), entry(7, { tail: { steps: 4 } })];
    const late = await createRig(folder).generate({ request: { ...asked, steering }, from: end });
    expect(failureOf(late)).toMatchObject({ code: 'INVALID_INPUT', field: 'steering', message: expect.stringMatching(/last step/) as unknown });
  });
});

it('what other callbacks set goes on too, without them: scale, latents and embeddings', async () => {
  const meddles: StepCallback = {
    name: 'meddles',
    callbackOnStepEndTensorInputs: ['latents', 'prompt_embeds'],
    callbackOnStepEnd: (_run, index, _timestep, { latents, prompt_embeds: embeds }) =>
      index === 2 && latents !== undefined && embeds !== undefined
        ? { guidanceScale: 2.1, tensors: { latents: mapTensor(latents, (x) => x * 0.9), prompt_embeds: mapTensor(embeds, (x) => -x) } }
        : undefined,
  };
  const asked = request({ scheduler: 'dpmpp_2m', steering: [entry(5, { guidanceScale: 4 })] });
  const whole = await createRig(folder).generate({ request: asked }, [meddles]);
  expect(ofKind(whole, 'step').map(({ step }) => step.guidanceScale)).toEqual([5, 5, 5, 2.1, 2.1, 2.1, 4, 4, 4, 4]);
  for (const from of checkpointsOf(whole).slice(2, -1)) {
    const rest = await createRig(folder).generate({ request: asked, from: JSON.parse(JSON.stringify(from)) as Checkpoint });
    expect(lastLatents(rest), `after ${from.stepsDone}`).toEqual(lastLatents(whole));
  }
});

describe('live steering', () => {
  it('that cannot be done leaves the run as it was, and is not told as applied', async () => {
    const plain = await createRig(folder).generate({ request: request({ scheduler: 'lcm', steps: 6 }) });
    const messages = await steeringRig({ 1: { tail: { steps: 400 } }, 2: { tail: { steps: 3, sigmaSchedule: 'karras' } } }).generate({ request: request({ scheduler: 'lcm', steps: 6 }) });
    expect(executedLog(messages)).toEqual([]);
    expect(lastLatents(messages)).toEqual(lastLatents(plain));
    const planned = await createRig(folder).generate({ request: request({ scheduler: 'lcm', steps: 6, steering: [entry(1, { tail: { steps: 400 } })] }) });
    expect(failureOf(planned)).toMatchObject({ code: 'INVALID_INPUT', field: 'tail.steps' });
  });

  it('of a prompt that the model has no room for is not done either, and planned it is refused before a step is run', async () => {
    const fixed = await writeTinyModel({ tokens: 77 });
    const rig: Rig = createRig(fixed, (message) => {
      if (message.kind === 'step' && message.step.stepIndex === 1) void rig.engine.handle({ kind: 'steer', jobId: 'job', steering: { prompt: longPrompt } });
    });
    const messages = await rig.generate();
    expect(messages.at(-1)?.kind).toBe('finished');
    expect(executedLog(messages)).toEqual([]);
    const refused = await createRig(fixed).generate({ request: request({ prompt: longPrompt }) });
    expect(failureOf(refused)).toMatchObject({ code: 'INVALID_INPUT', field: 'prompt', message: expect.stringMatching(/exported for 1/) as unknown });
    expect(ofKind(refused, 'step')).toEqual([]);
  });

  it('after the last step is too late', async () => {
    const messages = await steeringRig({ 9: { guidanceScale: 2, tail: { steps: 3 } } }).generate();
    expect(executedLog(messages)).toEqual([]);
    expect(checkpointsOf(messages).at(-1)?.log).toEqual([]);
  });

  it('keeps its pace out of the log', async () => {
    const messages = await steeringRig({ 2: { paceMs: 1, guidanceScale: 2 }, 4: { paceMs: 0 } }).generate();
    expect(ofKind(messages, 'steered').map(({ steering }) => steering)).toEqual([{ paceMs: 1, guidanceScale: 2 }, { paceMs: 0 }]);
    expect(checkpointsOf(messages).at(-1)?.log).toEqual([entry(2, { guidanceScale: 2 })]);
  });

  it('of a prompt takes both sides to one number of chunks', async () => {
    const messages = await steeringRig({ 3: { prompt: longPrompt } }).generate();
    expect(failureOf(messages)).toBeUndefined();
    const [before, after] = [checkpointsOf(messages)[2], checkpointsOf(messages)[3]];
    // What steering encoded follows from the log: it is not kept.
    expect([before?.tensors, after?.tensors]).toEqual([{}, {}]);
    expect(lastLatents(messages)).not.toEqual(lastLatents(await createRig(folder).generate()));
  });

  it('lets a stop through while it encodes', async () => {
    const texts = Array.from({ length: 60 }, (_, index) => `a${' b'.repeat(index)}`).join('|');
    const rig = createRig(folder, (message) => {
      if (message.kind !== 'step' || message.step.stepIndex !== 2) return;
      void rig.engine.handle({ kind: 'steer', jobId: 'job', steering: { prompt: `[${texts}]` } });
      setImmediate(() => void rig.engine.handle({ kind: 'stop', jobId: 'job' }));
    });
    const messages = await rig.generate({ request: request({ steps: 100 }) });
    expect(messages.at(-1)).toMatchObject({ kind: 'stopped', trace: { stepsDone: 3 } });
    expect(executedLog(messages)).toEqual([]);
    expect(checkpointsOf(messages).at(-1)?.log).toEqual([]);
  });
});
