import type { Checkpoint } from '../../../../shared/engineProtocol.ts';
import { parseGenerationRequest, type GenerationRequest } from '../../../../shared/generation.ts';
import { stepRecordSchema, type StepRecord } from '../../../../shared/job.ts';

export const runRequest: GenerationRequest = parseGenerationRequest({
  task: 'text-to-image',
  modelId: 'starter',
  prompt: '猫',
  negativePrompt: null,
  width: 128,
  height: 128,
  steps: 20,
  guidanceScale: 4,
  guidanceEnd: { kind: 'never' },
  scheduler: 'ddim',
  seed: '18446744073709551615',
});

/** A checkpoint as large as one of a small run, with every kind of value that a scheduler or a noise source may keep. */
export function checkpointAfter(stepsDone: number, change: Partial<Checkpoint> = {}): Checkpoint {
  const tensor = { dims: [1, 4, 16, 16], data: Float32Array.from({ length: 1024 }, (_, at) => Math.fround(Math.sin(at + stepsDone))) };
  return {
    version: 3,
    request: runRequest,
    modelHash: 'abc',
    stepsDone,
    numTimesteps: 20,
    latents: { dims: [1, 4, 1, 1], data: new Float32Array([NaN, Infinity, -0, 3e-45]) },
    cleanEstimate: tensor,
    stepper: { history: [new Float32Array([1.5]), null], at: 3, lambda: -Infinity, zero: -0, nothing: undefined, $: 'a name' },
    generator: { state: new BigUint64Array([5n, 2n ** 64n - 1n]), words: new Uint32Array([7, 8, 9]), spare: 10n },
    tensors: { noise: tensor },
    log: [{ afterStep: 0, steering: { guidanceScale: 2, prompt: 'ein Hund' } }],
    steps: Array.from({ length: stepsDone }, (_, stepIndex) => stepRecord(stepIndex)),
    ...change,
  };
}

export function stepRecord(stepIndex: number): StepRecord {
  const numbers = { timestep: 1000 - stepIndex, sigma: 14.5 - stepIndex / 3, guidanceScale: 4, unetEvaluations: 2, ms: 1 / 3 };
  return stepRecordSchema.parse({ stepIndex, numTimesteps: 20, guided: true, ...numbers });
}
