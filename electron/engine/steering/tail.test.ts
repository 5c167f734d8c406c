import { beforeAll, describe, expect, it } from 'vitest';
import type { Checkpoint, EngineMessage } from '../../../shared/engineProtocol.ts';
import { type GenerationRequest, type SteeringEntry } from '../../../shared/generation.ts';
import type { Steering } from '../../../shared/job.ts';
import { type SchedulerId, schedulerIds } from '../../../shared/samplers.ts';
import { relativeDifference } from '../pipelines/verify.ts';
import { checkpointsOf, createRig, ofKind, type Rig, tinyRequest } from '../testing/engineRig.ts';
import { writeTinyModel } from '../testing/tinyModel.ts';

const epsilon = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear', prediction_type: 'epsilon', steps_offset: 1, set_alpha_to_one: false };
let rig: Rig;
let flowRig: Rig;
beforeAll(async () => {
  // Leading spacing for DDIM, as Stable Diffusion's own file has it.
  rig = createRig(await writeTinyModel({ scheduler: { _class_name: 'PNDMScheduler', skip_prk_steps: true, timestep_spacing: 'leading', ...epsilon } }));
  flowRig = createRig(await writeTinyModel({ scheduler: { prediction_type: 'flow_prediction', use_flow_sigmas: true } }));
});

const request = (change: Partial<GenerationRequest> = {}): GenerationRequest => ({ ...tinyRequest, ...change });
const tailAfter = (afterStep: number, tail: NonNullable<Steering['tail']>): SteeringEntry[] => [{ afterStep, steering: { tail } }];
const failureOf = (messages: readonly EngineMessage[]) => ofKind(messages, 'failed')[0]?.failure;
const last = (messages: readonly EngineMessage[]): Checkpoint => {
  const checkpoint = checkpointsOf(messages).at(-1);
  if (checkpoint === undefined) throw new Error(failureOf(messages)?.message ?? 'no checkpoint');
  return checkpoint;
};

describe('a tail', () => {
  /** They remember nothing from step to step, so that a cut changes nothing but the last digits of the levels. */
  const memoryless: [SchedulerId, Partial<GenerationRequest>][] = [
    ['euler', {}],
    ['euler', { timestepSpacing: 'linspace' }],
    ['euler', { timestepSpacing: 'trailing' }],
    ['euler', { sigmaSchedule: 'karras' }],
    ['euler', { sigmaSchedule: 'exponential' }],
    ['euler_a', {}],
    ['ddim', {}],
    ['ddim', { timestepSpacing: 'trailing', eta: 0.5 }],
    ['ddpm', {}],
    ['lcm', {}],
    ['tcd', { eta: 0.3 }],
    ['flow_euler', {}],
  ];

  it.each(memoryless)('of %s %o with as many steps as were left is the run as it was', async (scheduler, change) => {
    const model = scheduler === 'flow_euler' ? flowRig : rig;
    const asked = request({ scheduler, steps: 10, ...change });
    const whole = await model.generate({ request: asked });
    const cut = 4;
    const messages = await model.generate({ request: { ...asked, steering: tailAfter(cut - 1, { steps: 10 - cut }) } });
    expect(last(messages).numTimesteps).toBe(10);
    const [theirs, ours] = [ofKind(whole, 'step'), ofKind(messages, 'step')].map((steps) => steps.map(({ step }) => step));
    ours?.forEach(({ sigma, timestep }, index) => {
      const { sigma: wanted = NaN, timestep: at = NaN } = theirs?.[index] ?? {};
      expect(Math.abs(sigma / wanted - 1), `sigma of step ${index}`).toBeLessThan(1e-3);
      expect(Math.abs(timestep - at), `timestep of step ${index}`).toBeLessThan(0.6);
    });
    expect(relativeDifference(last(messages).latents, last(whole).latents)).toBeLessThan(2e-3);
  });

  it.each(['lms', 'heun', 'dpm2', 'dpm2_a', 'dpmpp_2m', 'dpmpp_2m_sde', 'dpmpp_2s', 'dpmpp_sde', 'unipc', 'pndm', 'deis'] as const)(
    'of %s begins without a history, and ends near the run as it was',
    async (scheduler) => {
      const steps = 20;
      const asked = request({ scheduler, steps, guidanceScale: 2 });
      const whole = await rig.generate({ request: asked });
      // At a whole step of those that take two model calls.
      const twice = ['heun', 'dpm2', 'dpm2_a'].includes(scheduler);
      const cut = twice ? 15 : 8;
      const messages = await rig.generate({ request: { ...asked, steering: tailAfter(cut - 1, { steps: steps - (twice ? (cut + 1) / 2 : cut) }) } });
      expect(ofKind(messages, 'finished'), failureOf(messages)?.message ?? '').toHaveLength(1);
      expect(relativeDifference(last(messages).latents, last(whole).latents)).toBeLessThan(0.2);
    },
  );

  const flowIds: readonly SchedulerId[] = ['flow_euler', 'dpmpp_2m', 'dpmpp_2m_sde', 'dpmpp_2s', 'deis', 'unipc'];
  const models = [
    { kind: 'a diffusion model', rigOf: () => rig, ids: schedulerIds.filter((id) => id !== 'flow_euler') },
    { kind: 'a flow model', rigOf: () => flowRig, ids: flowIds },
  ];
  it.each(models)('of any scheduler behind any other takes the noise level as it is, and ends clean, on $kind', async ({ rigOf, ids }) => {
    for (const first of ids) {
      for (const scheduler of ids) {
        const steps = 3;
        const messages = await rigOf().generate({ request: request({ scheduler: first, steps: 6, steering: tailAfter(2, { steps, scheduler }) }) });
        const what = `${first}, then ${scheduler}: ${failureOf(messages)?.message ?? ''}`;
        const records = ofKind(messages, 'step').map(({ step }) => step);
        const own = { heun: 5, dpm2: 5, dpm2_a: 5, pndm: 4 };
        const calls = scheduler in own ? own[scheduler as keyof typeof own] : steps;
        expect(records.map(({ stepIndex }) => stepIndex), what).toEqual(Array.from({ length: 3 + calls }, (_, at) => at));
        expect(records.slice(2).map(({ numTimesteps }) => numTimesteps), what).toEqual([records[0]?.numTimesteps, ...new Array<number>(calls).fill(3 + calls)]);
        // What the fourth step would have been at.
        const plain = await rigOf().generate({ request: request({ scheduler: first, steps: 6 }) });
        const wanted = ofKind(plain, 'step')[3]?.step.sigma ?? NaN;
        expect(Math.abs((records[3]?.sigma ?? NaN) / wanted - 1), what).toBeLessThan(1e-5);
        expect(last(messages).latents.data.every(Number.isFinite), what).toBe(true);
        const change = relativeDifference(last(messages).latents, last(messages).cleanEstimate);
        expect(change, what).toBeLessThan(0.1);
      }
    }
  }, 120_000);

  it('of a tail, with other levels and spacings, goes on from every step bit by bit', async () => {
    const steering = [
      ...tailAfter(1, { steps: 6, scheduler: 'dpmpp_2m', sigmaSchedule: 'karras' }),
      ...tailAfter(3, { steps: 5, scheduler: 'euler_a', timestepSpacing: 'linspace' }),
      ...tailAfter(5, { steps: 4, scheduler: 'dpmpp_sde', sigmaSchedule: 'ays' }),
      ...tailAfter(5, { steps: 3, scheduler: 'unipc' }),
    ];
    const asked = request({ scheduler: 'ddim', steps: 8, steering });
    const whole = await rig.generate({ request: asked });
    expect(last(whole).numTimesteps).toBe(9);
    for (const from of checkpointsOf(whole)) {
      const rest = await rig.generate({ request: asked, from });
      expect(failureOf(rest)).toBeUndefined();
      expect(checkpointsOf(rest).at(-1)?.latents ?? last(whole).latents).toEqual(last(whole).latents);
      expect(ofKind(rest, 'finished')[0]?.trace.numTimesteps).toBe(9);
    }
  });

  it('of img2img and of one step', async () => {
    const messages = await rig.generate({ request: request({ scheduler: 'euler', steps: 12, steering: tailAfter(0, { steps: 1 }) }) });
    expect(ofKind(messages, 'step')).toHaveLength(2);
    expect(relativeDifference(last(messages).latents, last(messages).cleanEstimate)).toBeLessThan(1e-6);
  });

  it('in more steps than the levels left is refused', async () => {
    const late = { steps: 20, steering: tailAfter(15, { steps: 300 }) };
    for (const scheduler of ['ddim', 'ddpm', 'pndm', 'tcd'] as const) {
      const messages = await rig.generate({ request: request({ ...late, scheduler }) });
      expect(failureOf(messages), scheduler).toMatchObject({ code: 'INVALID_INPUT', field: 'tail.steps', nextStep: expect.stringMatching(/Euler or DPM\+\+/) as unknown });
    }
    const euler = await rig.generate({ request: request({ ...late, scheduler: 'euler' }) });
    expect(failureOf(euler)).toBeUndefined();
  });
});
