import type { StepRecord } from '../../../shared/job.ts';
import { type Tensor, zipTensors } from '../tensor/tensor.ts';
import { agreementOf } from './agreement.ts';
import { combineGuidance, rescaleGuidance } from './combine.ts';
import type { NoiseModel } from './condition.ts';
import { type GuidedCalls, type GuidedInput, predictGuided } from './guidedPrediction.ts';

/** What a step has from the model, and what it took. */
export interface ModelAnswer {
  readonly conditional: Tensor;
  /** `rebuilt`: a kept difference stood in for a call. */
  readonly unconditional: Tensor | null | 'rebuilt';
  /** Guided and rescaled. */
  readonly output: Tensor;
  readonly facts: Pick<StepRecord, 'unetEvaluations' | 'guidanceDistance' | 'guidanceCosine' | 'reused'> & { readonly unetBatch: number };
}

export interface AnswerOptions {
  readonly calls: GuidedCalls;
  readonly guidanceScale: number;
  /** phi of `rescaleGuidance`. */
  readonly guidanceRescale: number;
  /** u - c of an earlier step; not null: only the conditional half is called. */
  readonly difference: Tensor | null;
  readonly mayCall: () => Promise<boolean>;
}

/** @returns null when it was refused a call */
export async function askModel(model: NoiseModel, input: GuidedInput, options: AnswerOptions): Promise<ModelAnswer | null> {
  const { guidanceScale, guidanceRescale } = options;
  const isGuided = input.unconditional !== null;
  const difference = isGuided ? options.difference : null;
  const asked = difference === null ? input : { ...input, unconditional: null };
  const predicted = await predictGuided(model, asked, options.calls, options.mayCall);
  if (predicted === null) return null;
  const { conditional, unetBatch } = predicted;
  const unconditional = difference === null ? predicted.unconditional : zipTensors(conditional, difference, (c, d) => c + d);
  const agreement = predicted.unconditional === null ? null : agreementOf(predicted.unconditional, conditional);
  return {
    conditional,
    unconditional: difference === null ? unconditional : 'rebuilt',
    output: unconditional === null ? conditional : guided(unconditional, conditional, guidanceScale, guidanceRescale),
    facts: {
      unetEvaluations: predicted.unconditional === null ? 1 : 2,
      guidanceDistance: agreement?.distance ?? null,
      guidanceCosine: agreement?.cosine ?? null,
      reused: difference === null ? 'none' : 'unconditional',
      unetBatch,
    },
  };
}

function guided(unconditional: Tensor, conditional: Tensor, scale: number, phi: number): Tensor {
  const combined = combineGuidance(unconditional, conditional, scale);
  return phi > 0 ? rescaleGuidance(combined, conditional, phi) : combined;
}
