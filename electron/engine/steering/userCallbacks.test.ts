import { beforeAll, describe, expect, it } from 'vitest';
import type { Checkpoint, EngineMessage } from '../../../shared/engineProtocol.ts';
import type { GenerationRequest, SteeringEntry } from '../../../shared/generation.ts';
import { checkpointsOf, createRig, ofKind, tinyRequest } from '../testing/engineRig.ts';
import { writeTinyModel } from '../testing/tinyModel.ts';

let folder: string;
beforeAll(async () => {
  folder = await writeTinyModel();
});

/** Counts its steps in its state, adds noise by chance, and sets a scale now and then. */
const source = `
  const callbackOnStepEndTensorInputs = ['latents'];
  function callbackOnStepEnd(run, stepIndex, timestep, { latents }) {
    run.state.count = (run.state.count ?? 0) + 1;
    const data = latents.data.map((x) => x * 0.98 + 0.02 * run.state.count * (Math.random() - 0.5));
    return { tensors: { latents: { dims: latents.dims, data } }, ...(run.state.count === 3 ? { guidanceScale: 2.5 } : {}) };
  }`;
const callbacks = [{ name: 'meddler', source }];
const request = (change: Partial<GenerationRequest> = {}): GenerationRequest => ({ ...tinyRequest, scheduler: 'dpmpp_2m', steps: 8, callbacks, ...change });
const last = (messages: readonly EngineMessage[]): Float32Array | undefined => checkpointsOf(messages).at(-1)?.latents.data;

describe("a request's own callbacks", () => {
  it('change the run, and go on with their state from any step', async () => {
    const rig = createRig(folder);
    const whole = await rig.generate({ request: request() });
    expect(ofKind(whole, 'step').map(({ step }) => step.guidanceScale)).toEqual([5, 5, 5, 2.5, 2.5, 2.5, 2.5, 2.5]);
    expect(last(await rig.generate({ request: request({ callbacks: [] }) }))).not.toEqual(last(whole));
    for (const from of checkpointsOf(whole).slice(0, -1)) {
      const rest = await rig.generate({ request: request(), from: JSON.parse(JSON.stringify(from)) as Checkpoint });
      expect(last(rest), `after ${from.stepsDone}`).toEqual(last(whole));
    }
  });

  it('see the same in a fork as where its log was there from the start', async () => {
    const rig = createRig(folder);
    const parent = await rig.generate({ request: request({ steering: [{ afterStep: 1, steering: { prompt: 'c' } }] }) });
    for (const at of [2, 4]) {
      const from = checkpointsOf(parent)[at];
      const steering: SteeringEntry[] = [
        { afterStep: 1, steering: { prompt: 'c' } },
        { afterStep: at, steering: { tail: { steps: 3, scheduler: 'euler_a' }, guidanceScale: 4, noiseSeed: '6' } },
      ];
      const fork = await rig.generate({ request: request({ steering }), ...(from === undefined ? {} : { from }) });
      const replay = await rig.generate({ request: request({ steering }) });
      expect(last(fork)).toEqual(last(replay));
      expect(last(fork)).not.toEqual(last(parent));
    }
  });

  it('that go wrong are switched off, told of, and stay off', async () => {
    const rig = createRig(folder);
    const wrong = [{ name: 'wrong', source: 'function callbackOnStepEnd(run, i) { if (i === 2) throw new Error("no"); }' }];
    const whole = await rig.generate({ request: request({ callbacks: wrong }) });
    expect(ofKind(whole, 'callback-problem')).toMatchObject([{ name: 'wrong', stepIndex: 2 }]);
    expect(last(whole)).toEqual(last(await rig.generate({ request: request({ callbacks: [] }) })));
    const from = checkpointsOf(whole)[4];
    const rest = await rig.generate({ request: request({ callbacks: wrong }), ...(from === undefined ? {} : { from }) });
    expect(ofKind(rest, 'callback-problem')).toEqual([]);
    expect(last(rest)).toEqual(last(whole));
  });

  it('that cannot be read are an error before anything runs', async () => {
    const messages = await createRig(folder).generate({ request: request({ callbacks: [...callbacks, { name: 'torn', source: 'function (' }] }) });
    expect(messages.at(-1)).toMatchObject({ kind: 'failed', failure: { code: 'INVALID_INPUT', field: 'callbacks' } });
    expect(ofKind(messages, 'step')).toEqual([]);
  });
});
