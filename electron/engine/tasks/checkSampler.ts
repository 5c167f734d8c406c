import { z } from 'zod';
import { StopbathError } from '../../../shared/errors.ts';
import type { GenerationRequest } from '../../../shared/generation.ts';
import { schedulerLabels } from '../../../shared/samplers.ts';
import type { SchedulerConfig } from '../schedulers/config.ts';

const fileSchema = z.object({
  _class_name: z.string().optional().catch(undefined),
  prediction_type: z.string().nullish().catch(undefined),
  use_flow_sigmas: z.boolean().nullish().catch(undefined),
});

/** Whether a scheduler_config.json is that of a model of rectified flow. FlowMatch classes have no prediction type. */
function isFlow(file: unknown): boolean {
  const { _class_name: name, prediction_type: prediction, use_flow_sigmas: flow } = fileSchema.parse(file ?? {});
  return prediction === 'flow_prediction' || flow === true || ((prediction ?? null) === null && name?.startsWith('FlowMatch') === true);
}

/**
 * Refuses what diffusers would compute and what nobody would keep.
 * @param file the parsed scheduler_config.json
 * @param config what the chosen scheduler reads in it
 * @throws StopbathError `INVALID_INPUT` naming `scheduler` or `sigmaSchedule`.
 */
export function checkSampler(
  { scheduler, sigmaSchedule }: Pick<GenerationRequest, 'scheduler' | 'sigmaSchedule'>,
  file: unknown,
  config: Pick<SchedulerConfig, 'rescaleBetasZeroSnr'>,
): void {
  if (scheduler === 'flow_euler' && !isFlow(file)) {
    throw new StopbathError({
      code: 'INVALID_INPUT',
      field: 'scheduler',
      message: `scheduler: ${schedulerLabels[scheduler]} is for models of rectified flow; this one was trained otherwise and would give noise.`,
      nextStep: 'Choose another sampler, for example Euler.',
    });
  }
  // Beta levels lie between the ends by their value, and here the upper one is 4096: all but a few steps see nothing but noise.
  if (sigmaSchedule === 'beta' && config.rescaleBetasZeroSnr) {
    throw new StopbathError({
      code: 'INVALID_INPUT',
      field: 'sigmaSchedule',
      message: `sigmaSchedule: Beta gives ${schedulerLabels[scheduler]} too few low noise levels on a model of zero terminal SNR.`,
      nextStep: 'Choose Automatic, Karras or Exponential, or another sampler.',
    });
  }
}
