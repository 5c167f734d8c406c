import { describe, expect, it } from 'vitest';
import { parseGenerationRequest, type SteeringEntry } from './generation.ts';
import { wholeLog } from './steeringLog.ts';

const at = (afterStep: number, guidanceScale: number): SteeringEntry => ({ afterStep, steering: { guidanceScale } });
const withSteering = (...steering: SteeringEntry[]) =>
  parseGenerationRequest({
    task: 'text-to-image',
    modelId: 'starter',
    prompt: 'a red house',
    negativePrompt: null,
    width: 64,
    height: 64,
    steps: 20,
    guidanceScale: 3,
    guidanceEnd: { kind: 'never' },
    scheduler: 'euler',
    seed: '1',
    steering,
  });

describe('the whole log', () => {
  it('is in order of steps, what was planned before what was steered after the same step', () => {
    const run = { request: withSteering(at(5, 1), at(1, 2)), log: [at(5, 3), at(0, 4)] };
    expect(wholeLog(run)).toEqual([at(0, 4), at(1, 2), at(5, 1), at(5, 3)]);
  });

  it('counts a planned entry once when the run has told it, whatever the order of its fields', () => {
    const planned: SteeringEntry = { afterStep: 2, steering: { guidanceScale: 3, prompt: 'a dog' } };
    const told: SteeringEntry = { afterStep: 2, steering: { prompt: 'a dog', guidanceScale: 3, noiseSeed: undefined } };
    expect(wholeLog({ request: withSteering(planned), log: [told] })).toEqual([planned]);
    // Back and forth after one step is three things done.
    expect(wholeLog({ request: withSteering(), log: [at(2, 5), at(2, 7), at(2, 5)] })).toHaveLength(3);
  });
});
