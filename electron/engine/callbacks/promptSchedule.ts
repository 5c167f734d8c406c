import { concatRows, type Tensor } from '../tensor/tensor.ts';
import type { EncodedPrompt } from '../text/promptEncoding.ts';
import type { PromptSchedule } from '../text/schedule.ts';
import type { StepCallback, StepTensors } from './callback.ts';

/** One row of a batch: its schedule, and the encoding of each of its texts, all with the same number of chunks. */
export interface ScheduledPrompt {
  readonly schedule: PromptSchedule;
  readonly variants: readonly Pick<EncodedPrompt, 'embeds' | 'pooled'>[];
}

/**
 * Puts the texts of `[from:to:when]` and `[a|b]` in place: at the end of a step, those of the next one where they differ.
 * @param positive one for every row of the batch, in its order
 * @param negative the same for the negative prompts
 */
export function promptScheduleCallback(
  positive: readonly ScheduledPrompt[],
  negative: readonly ScheduledPrompt[],
): StepCallback {
  const pooled = (prompts: readonly ScheduledPrompt[]): boolean => prompts.some(({ variants }) => (variants[0]?.pooled ?? null) !== null);
  return {
    name: 'promptSchedule',
    callbackOnStepEndTensorInputs: [
      'prompt_embeds',
      'negative_prompt_embeds',
      ...(pooled(positive) ? ['add_text_embeds'] : []),
      ...(pooled(negative) ? ['negative_add_text_embeds'] : []),
    ],
    callbackOnStepEnd(run, stepIndex) {
      if (run.nextSigma === null) return undefined;
      const tensors: StepTensors = {
        ...changed(positive, stepIndex, 'prompt_embeds', 'add_text_embeds'),
        ...changed(negative, stepIndex, 'negative_prompt_embeds', 'negative_add_text_embeds'),
      };
      return Object.keys(tensors).length === 0 ? undefined : { tensors };
    },
  };
}

function changed(
  prompts: readonly ScheduledPrompt[],
  stepIndex: number,
  embedsName: 'prompt_embeds' | 'negative_prompt_embeds',
  pooledName: 'add_text_embeds' | 'negative_add_text_embeds',
): StepTensors {
  if (prompts.every(({ schedule }) => schedule.at(stepIndex) === schedule.at(stepIndex + 1))) return {};
  const next = prompts.flatMap(({ schedule, variants }) => variants[schedule.at(stepIndex + 1)] ?? []);
  const pooled = next.flatMap((variant): Tensor[] => (variant.pooled === null ? [] : [variant.pooled]));
  return {
    [embedsName]: concatRows(next.map(({ embeds }) => embeds)),
    ...(pooled.length > 0 ? { [pooledName]: concatRows(pooled) } : {}),
  };
}
