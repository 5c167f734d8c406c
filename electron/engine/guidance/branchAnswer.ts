import { shallowEvaluations } from '../../../shared/job.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type FeatureMemory, type FeatureSource, keyOf } from './featureMemory.ts';
import { type GuidedInput, predictGuided } from './guidedPrediction.ts';
import { type AnswerOptions, askModel, type ModelAnswer } from './modelAnswer.ts';
import { keepingFeatures, type TwoBranchModel, withFeatures } from './twoBranches.ts';

export interface BranchOptions extends AnswerOptions {
  readonly memory: FeatureMemory;
  readonly stepIndex: number;
  /** The last step decides what is left of the finest detail: it runs the whole UNet. */
  readonly isLast: boolean;
  /** Puts what else the model is told of a step (strengths of LoRAs) as it was at that step. */
  readonly atStep: (stepIndex: number) => void;
}

/**
 * The model's answer from its outermost layers and what the deep ones gave at an earlier step, or, where nothing serves, from all of it.
 * @returns null when it was refused a call
 */
export async function askBranches(model: TwoBranchModel, input: GuidedInput, options: BranchOptions): Promise<ModelAnswer | null> {
  const { memory, stepIndex, isLast } = options;
  const key = keyOf(input);
  const serving = isLast ? null : memory.serving(key);
  if (serving === null) {
    const keeping = keepingFeatures(model);
    const answer = await askModel(keeping.model, input, options);
    if (answer !== null) memory.keep(keeping.features(), { stepIndex, sample: input.sample, timestep: input.timestep }, key);
    return answer;
  }
  const features = serving.features ?? (await rebuild(model, input, serving.source, options));
  if (features === null) return null;
  const answer = await askModel(withFeatures(model, features), input, options);
  if (answer === null) return null;
  memory.used();
  const count = shallowEvaluations({ reused: 'features', guided: input.unconditional !== null });
  return { ...answer, facts: { ...answer.facts, unetEvaluations: serving.features === null ? count : 0, reused: 'features' } };
}

/** The features an earlier step left, by the same whole forwards once more. @returns null when it was refused a call */
async function rebuild(model: TwoBranchModel, input: GuidedInput, { stepIndex, sample, timestep }: FeatureSource, options: BranchOptions): Promise<Tensor | null> {
  const keeping = keepingFeatures(model);
  options.atStep(stepIndex);
  try {
    // What else they were asked for is as it is now: the key says so.
    if ((await predictGuided(keeping.model, { ...input, sample, timestep }, options.calls, options.mayCall)) === null) return null;
  } finally {
    options.atStep(options.stepIndex);
  }
  const features = keeping.features();
  options.memory.rebuilt(features);
  return features;
}
