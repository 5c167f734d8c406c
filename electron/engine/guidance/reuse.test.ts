import { beforeAll, describe, expect, it } from 'vitest';
import type { EngineMessage } from '../../../shared/engineProtocol.ts';
import type { GenerationRequest, Reuse } from '../../../shared/generation.ts';
import type { StepRecord } from '../../../shared/job.ts';
import { schedulerIds } from '../../../shared/samplers.ts';
import { relativeDifference } from '../pipelines/verify.ts';
import { TorchGenerator } from '../tensor/random.ts';
import { mapTensor, type Tensor } from '../tensor/tensor.ts';
import { checkpointsOf, createRig, ofKind, tinyRequest } from '../testing/engineRig.ts';
import { writeTinyModel } from '../testing/tinyModel.ts';
import { agreementOf, relativeChange } from './agreement.ts';
import { cleanEstimate, type NoiseLevel, outputFor } from './prediction.ts';

let folder: string;
let flowFolder: string;
beforeAll(async () => {
  folder = await writeTinyModel();
  flowFolder = await writeTinyModel({ scheduler: { prediction_type: 'flow_prediction' } });
});

const request = (change: Partial<GenerationRequest> = {}): GenerationRequest => ({ ...tinyRequest, scheduler: 'ddim', ...change });
const stepsOf = (messages: readonly EngineMessage[]): StepRecord[] => ofKind(messages, 'step').map(({ step }) => step);
const last = (messages: readonly EngineMessage[]): Tensor => {
  const latents = checkpointsOf(messages).at(-1)?.latents;
  if (latents === undefined) throw new Error('no checkpoint');
  return latents;
};
const generate = (change: Partial<GenerationRequest>): Promise<EngineMessage[]> => createRig(folder).generate({ request: request(change) });
const noise = (seed: string): Tensor => new TorchGenerator(seed).normal([1, 4, 8, 8]);

describe('agreement', () => {
  it('is a distance and a cosine of the two predictions', () => {
    const u = { dims: [1, 2], data: Float32Array.of(3, 4) };
    expect(agreementOf(u, u)).toEqual({ distance: 0, cosine: 1 });
    expect(agreementOf(u, { dims: [1, 2], data: Float32Array.of(-4, 3) })).toMatchObject({ distance: Math.SQRT2, cosine: 0 });
    const twice = agreementOf(u, mapTensor(u, (value) => 2 * value));
    expect([twice.distance, twice.cosine]).toEqual([1, 1]);
    const zero = mapTensor(u, () => 0);
    expect([agreementOf(zero, u), agreementOf(zero, zero), relativeChange(zero, zero)]).toEqual([{ distance: 1, cosine: 0 }, { distance: 0, cosine: 0 }, 0]);
    expect(relativeChange(u, mapTensor(u, (value) => 1.5 * value))).toBe(0.5);
  });

  it('stands in the record of every step with two predictions, and the change of the estimate in all but the first', async () => {
    const records = stepsOf(await generate({ guidanceEnd: { kind: 'guided-steps', steps: 4 } }));
    expect(records.map(({ guidanceCosine }) => guidanceCosine === null)).toEqual(records.map(({ guided }) => !guided));
    expect(records.map(({ guidanceDistance }) => guidanceDistance === null)).toEqual(records.map(({ guided }) => !guided));
    expect(records.map(({ estimateChange }) => estimateChange === null)).toEqual(records.map((_, index) => index === 0));
    expect(records.every(({ reused }) => reused === 'none')).toBe(true);
    const messages = await generate({});
    const [before, now] = checkpointsOf(messages).slice(3, 5).map(({ cleanEstimate: estimate }) => estimate);
    if (before === undefined || now === undefined) throw new Error('no checkpoint');
    expect(stepsOf(messages)[4]?.estimateChange).toBe(relativeChange(now, before));
  });
});

describe('guidance that ends by evidence', () => {
  it('ends for good after the first step whose cosine reaches it, and counts', async () => {
    const whole = stepsOf(await generate({}));
    const cosines = whole.map(({ guidanceCosine }) => guidanceCosine ?? 0);
    for (const cosine of [cosines[0] ?? 0, Math.max(...cosines.slice(0, 5)), 1]) {
      const messages = await generate({ guidanceEnd: { kind: 'evidence', cosine } });
      const found = cosines.findIndex((value) => value >= cosine);
      const guided = found < 0 ? cosines.length : found + 1;
      expect(stepsOf(messages).map((step) => step.guided)).toEqual(cosines.map((_, index) => index < guided));
      expect(ofKind(messages, 'finished')[0]?.trace).toMatchObject({ unetEvaluationsTotal: 10 + guided, unetEvaluationsSaved: 10 - guided });
    }
  });

  it('goes on the same after any step, and a threshold moved above what was reached takes guidance up again', async () => {
    const cosines = stepsOf(await generate({})).map(({ guidanceCosine }) => guidanceCosine ?? 0);
    const cosine = Math.max(...cosines.slice(0, 3));
    const asked = request({ guidanceEnd: { kind: 'evidence', cosine }, steering: [{ afterStep: 6, steering: { guidanceEnd: { kind: 'evidence', cosine: 1 } } }] });
    const messages = await createRig(folder).generate({ request: asked });
    const guided = stepsOf(messages).map((step) => step.guided);
    expect(guided.slice(3)).toEqual([false, false, false, false, true, true, true]);
    for (const from of checkpointsOf(messages).slice(0, -1)) {
      expect(last(await createRig(folder).generate({ request: asked, from }))).toEqual(last(messages));
    }
  });
});

describe('the output for a clean estimate', () => {
  const levels: NoiseLevel[] = [
    { kind: 'exploding', sigma: 2.5 },
    { kind: 'preserving', alpha: Math.fround(0.6), sigma: Math.fround(0.8) },
    { kind: 'flow', sigma: Math.fround(0.7) },
  ];

  it.each(['epsilon', 'v_prediction', 'sample', 'flow_prediction'] as const)('is what gives that estimate: %s', (prediction) => {
    for (const level of levels) {
      if ((prediction === 'flow_prediction') !== (level.kind === 'flow')) continue;
      const [estimate, sample] = [noise('1'), noise('2')];
      const back = cleanEstimate(prediction, outputFor(prediction, estimate, sample, level), sample, level);
      expect(relativeDifference(back, estimate)).toBeLessThan(2e-6);
    }
  });
});

describe('reuse', () => {
  it('of the unconditional difference asks for both sides every so many steps only', async () => {
    const full = await generate({});
    for (const every of [2, 3, 5]) {
      const messages = await generate({ reuse: { kind: 'unconditional', every }, guidanceEnd: { kind: 'guided-steps', steps: 8 } });
      const records = stepsOf(messages);
      const rebuilt = records.map((_, index) => index < 8 && index % every !== 0);
      expect(records.map(({ reused }) => reused === 'unconditional')).toEqual(rebuilt);
      expect(records.map(({ unetEvaluations }) => unetEvaluations)).toEqual(rebuilt.map((isRebuilt, index) => (isRebuilt || index >= 8 ? 1 : 2)));
      expect(records.map(({ guided }) => guided)).toEqual(rebuilt.map((_, index) => index < 8));
      expect(records.map(({ guidanceCosine }) => guidanceCosine !== null)).toEqual(rebuilt.map((isRebuilt, index) => index < 8 && !isRebuilt));
      const total = records.reduce((sum, { unetEvaluations }) => sum + unetEvaluations, 0);
      expect(ofKind(messages, 'finished')[0]?.trace).toMatchObject({ unetEvaluationsTotal: total, unetEvaluationsSaved: 20 - total });
    }
    // A step that is not guided has no difference to keep: where guidance comes back both sides are asked for.
    const gap = { steering: [{ afterStep: 0, steering: { guidanceEnd: { kind: 'guided-steps' as const, steps: 0 } } }, { afterStep: 1, steering: { guidanceEnd: { kind: 'never' as const } } }] };
    const resumed = stepsOf(await generate({ reuse: { kind: 'unconditional', every: 10 }, ...gap }));
    expect(resumed.slice(0, 4).map(({ unetEvaluations }) => unetEvaluations)).toEqual([2, 1, 2, 1]);
    expect(relativeDifference(last(await generate({ reuse: { kind: 'unconditional', every: 2 } })), last(full))).toBeLessThan(0.2);
  });

  it('of steps leaves out the model while the estimate changes little, never too often in a row, never the last', async () => {
    for (const most of [1, 2]) {
      const messages = await generate({ steps: 20, reuse: { kind: 'steps', threshold: 1, most } });
      const records = stepsOf(messages);
      const wanted = records.map((_, index) => index >= 2 && index < 19 && (index - 2) % (most + 1) !== most);
      expect(records.map(({ reused }) => reused === 'step')).toEqual(wanted);
      expect(records.map(({ unetEvaluations }) => unetEvaluations)).toEqual(wanted.map((isReused) => (isReused ? 0 : 2)));
    }
    const never = await generate({ reuse: { kind: 'steps', threshold: 0, most: 5 } });
    expect(last(never)).toEqual(last(await generate({})));
    const full = stepsOf(await generate({ steps: 20 }));
    const threshold = full[10]?.estimateChange ?? 0;
    const some = stepsOf(await generate({ steps: 20, reuse: { kind: 'steps', threshold, most: 1 } }));
    some.forEach(({ reused }, index) => {
      if (reused === 'step') expect(some[index - 1]?.estimateChange).toBeLessThan(threshold);
    });
  });

  const rules: Reuse[] = [
    { kind: 'unconditional', every: 3 },
    { kind: 'steps', threshold: 0.9, most: 2 },
  ];
  it.each(rules)('$kind goes on after any step bit by bit the same, with every scheduler', async (reuse) => {
    for (const scheduler of schedulerIds) {
      const asked = request({ scheduler, steps: 8, reuse, steering: [{ afterStep: 4, steering: { guidanceScale: 3 } }] });
      const rig = createRig(scheduler === 'flow_euler' ? flowFolder : folder);
      const messages = await rig.generate({ request: asked });
      // The estimates of consistency sampling jump by more than the threshold.
      if (scheduler !== 'lcm' || reuse.kind !== 'steps') expect(stepsOf(messages).some(({ reused }) => reused !== 'none'), scheduler).toBe(true);
      for (const at of [1, 3, 5]) {
        const from = checkpointsOf(messages)[at];
        if (from === undefined) throw new Error('no checkpoint');
        const rest = await rig.generate({ request: asked, from: JSON.parse(JSON.stringify(from)) as typeof from });
        expect(last(rest), `${scheduler} after ${at + 1}`).toEqual(last(messages));
        expect(stepsOf(rest).map(({ reused }) => reused)).toEqual(stepsOf(messages).slice(at + 1).map(({ reused }) => reused));
      }
    }
  });

  it('begins anew where something is steered', async () => {
    const steering = [{ afterStep: 3, steering: { prompt: 'c' } }];
    const records = stepsOf(await generate({ reuse: { kind: 'unconditional', every: 10 }, steering }));
    expect(records.map(({ unetEvaluations }) => unetEvaluations)).toEqual([2, 1, 1, 1, 2, 1, 1, 1, 1, 1]);
    const live = stepsOf(await generate({ steering: [{ afterStep: 1, steering: { reuse: { kind: 'unconditional', every: 2 } } }] }));
    expect(live.map(({ unetEvaluations }) => unetEvaluations)).toEqual([2, 2, 2, 1, 2, 1, 2, 1, 2, 1]);
  });
});
