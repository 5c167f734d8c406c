import { describe, expect, it } from 'vitest';
import type { Steering } from '../../../shared/job.ts';
import type { GuidancePlan } from '../guidance/guidanceCurve.ts';
import { runWith, scalesOf } from '../testing/callbackRig.ts';
import type { StepCallback } from './callback.ts';
import { RunControls, type SteeredFields } from './runControls.ts';
import { steeringCallbacks } from './steering.ts';

const plan = (change: Partial<GuidancePlan> = {}): SteeredFields => ({
  guidanceRescale: 0,
  reuse: { kind: 'none' },
  guidanceScale: 5,
  guidanceEnd: { kind: 'never' },
  guidanceCurve: { kind: 'constant' },
  guidanceInterval: null,
  ...change,
});

/** Steers during the step with that index; gives the scale of every step. */
async function scales(
  given: SteeredFields,
  steered: Readonly<Record<number, Steering>> = {},
  others: readonly StepCallback[] = [],
): Promise<number[]> {
  const controls = new RunControls(given, 0);
  const person: StepCallback = {
    name: 'person',
    callbackOnStepEndTensorInputs: [],
    callbackOnStepEnd: (_run, index) => {
      const steering = steered[index];
      if (steering !== undefined) controls.steer(steering);
      return undefined;
    },
  };
  const { guidance, steering } = steeringCallbacks(controls, { onApplied: () => undefined });
  return scalesOf(await runWith([guidance, person, ...others, steering]));
}

describe('steering', () => {
  it('leaves a plan without a change alone', async () => {
    expect(await scales(plan())).toEqual(new Array(10).fill(5));
    expect(await scales(plan({ guidanceEnd: { kind: 'ratio', ratio: 0.4 } }))).toEqual([5, 5, 5, 5, 5, 1, 1, 1, 1, 1]);
    expect(await scales(plan({ guidanceEnd: { kind: 'guided-steps', steps: 3 } }))).toEqual([5, 5, 5, 1, 1, 1, 1, 1, 1, 1]);
  });

  it('brings a new scale in at the next step', async () => {
    expect(await scales(plan(), { 2: { guidanceScale: 9 }, 6: { guidanceScale: 1 }, 8: { guidanceScale: 3 } })).toEqual([5, 5, 5, 9, 9, 9, 9, 1, 1, 3]);
  });

  it('ends guidance at once where the end moves behind, and takes it up again where it moves ahead', async () => {
    const end = (steps: number): Steering => ({ guidanceEnd: { kind: 'guided-steps', steps } });
    expect(await scales(plan(), { 4: end(2), 6: { guidanceEnd: { kind: 'never' } } })).toEqual([5, 5, 5, 5, 5, 1, 1, 5, 5, 5]);
    expect(await scales(plan({ guidanceEnd: { kind: 'guided-steps', steps: 3 } }), { 1: end(6) })).toEqual([5, 5, 5, 5, 5, 5, 1, 1, 1, 1]);
    // A new scale while guidance is over waits for guidance to come back.
    expect(await scales(plan(), { 1: end(0), 3: { guidanceScale: 9 }, 5: end(10) })).toEqual([5, 5, 1, 1, 1, 1, 9, 9, 9, 9]);
  });

  it('follows curve, interval and end together', async () => {
    const curved = plan({
      guidanceScale: 10,
      guidanceCurve: { kind: 'linear', to: 1 },
      guidanceEnd: { kind: 'guided-steps', steps: 6 },
      guidanceInterval: { sigmaLow: 1.5, sigmaHigh: 8 },
    });
    // The first step's scale is the run's own, given apart.
    expect((await scales(curved)).slice(1)).toEqual([9, 8, 7, 6, 1, 1, 1, 1, 1]);
    expect((await scales(curved, { 2: { guidanceScale: 19 } })).slice(1)).toEqual([9, 8, 13, 11, 1, 1, 1, 1, 1]);
  });

  it('keeps its hands off a scale another callback has set, but where it ends guidance', async () => {
    const other: StepCallback = {
      name: 'other',
      callbackOnStepEndTensorInputs: [],
      callbackOnStepEnd: (_run, index) => (index === 1 ? { guidanceScale: 2 } : undefined),
    };
    expect(await scales(plan(), {}, [other])).toEqual([5, 5, 2, 2, 2, 2, 2, 2, 2, 2]);
    expect(await scales(plan({ guidanceEnd: { kind: 'guided-steps', steps: 1 } }), {}, [other])).toEqual([5, 1, 2, 1, 1, 1, 1, 1, 1, 1]);
  });

  it('tells every change once, with the step after which it counts', async () => {
    const controls = new RunControls(plan(), 20);
    const told: [Steering, number][] = [];
    controls.steer({ paceMs: 5 });
    controls.steer({ guidanceScale: 3 });
    const { guidance, steering } = steeringCallbacks(controls, { onApplied: (applied, afterStep) => told.push([applied, afterStep]) });
    await runWith([guidance, steering], { steps: 3 });
    expect(told).toEqual([[{ paceMs: 5 }, 0], [{ guidanceScale: 3 }, 0]]);
    expect([controls.paceMs, controls.fields.guidanceScale]).toEqual([5, 3]);
    expect(controls.log).toEqual([{ afterStep: 0, steering: { guidanceScale: 3 } }]);
  });

  it('asked for before the first step has ended counts from the second', async () => {
    const controls = new RunControls(plan(), 0);
    const { guidance, steering } = steeringCallbacks(controls, { onApplied: () => undefined });
    controls.steer({ guidanceScale: 8 });
    expect(scalesOf(await runWith([guidance, steering], { steps: 3 }))).toEqual([5, 8, 8]);
  });
});
