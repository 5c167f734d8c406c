import { z } from 'zod';
import { StopbathError } from '../../../shared/errors.ts';
import type { PredictionType } from '../guidance/prediction.ts';

/** The keys of a diffusers scheduler_config.json that change the maths, and their values when neither file nor class names them. */
export interface SchedulerConfig {
  readonly numTrainTimesteps: number;
  readonly betaStart: number;
  readonly betaEnd: number;
  readonly betaSchedule: 'linear' | 'scaled_linear' | 'squaredcos_cap_v2';
  readonly trainedBetas: readonly number[] | null;
  readonly predictionType: PredictionType;
  readonly timestepSpacing: 'linspace' | 'leading' | 'trailing';
  /** Added to every timestep of `leading` spacing. */
  readonly stepsOffset: number;
  readonly rescaleBetasZeroSnr: boolean;
  readonly useKarrasSigmas: boolean;
  readonly finalSigmasType: 'zero' | 'sigma_min';
  /** DDIM: the signal after the last step is 1, else that of timestep 0. */
  readonly setAlphaToOne: boolean;
  /** DDIM: 0 is deterministic, 1 is DDPM. Not a config key: pipelines pass it. */
  readonly eta: number;
  readonly lowerOrderFinal: boolean;
  readonly eulerAtFinal: boolean;
  readonly solverOrder: number;
}

const base: SchedulerConfig = {
  numTrainTimesteps: 1000,
  betaStart: 0.0001,
  betaEnd: 0.02,
  betaSchedule: 'linear',
  trainedBetas: null,
  predictionType: 'epsilon',
  timestepSpacing: 'linspace',
  stepsOffset: 0,
  rescaleBetasZeroSnr: false,
  useKarrasSigmas: false,
  finalSigmasType: 'zero',
  setAlphaToOne: true,
  eta: 0,
  lowerOrderFinal: true,
  eulerAtFinal: false,
  solverOrder: 2,
};

const off = z.literal(false).nullable().optional();

/** The file's own names. Keys of schedules that are not built are accepted only switched off. */
const fileSchema = z.object({
  num_train_timesteps: z.int().min(2).optional(),
  beta_start: z.number().positive().optional(),
  beta_end: z.number().positive().optional(),
  beta_schedule: z.enum(['linear', 'scaled_linear', 'squaredcos_cap_v2']).optional(),
  trained_betas: z.array(z.number()).nullable().optional(),
  prediction_type: z.enum(['epsilon', 'v_prediction', 'sample']).optional(),
  timestep_spacing: z.enum(['linspace', 'leading', 'trailing']).optional(),
  steps_offset: z.int().min(0).optional(),
  rescale_betas_zero_snr: z.boolean().optional(),
  use_karras_sigmas: z.boolean().nullable().optional(),
  final_sigmas_type: z.enum(['zero', 'sigma_min']).optional(),
  set_alpha_to_one: z.boolean().optional(),
  lower_order_final: z.boolean().optional(),
  euler_at_final: z.boolean().optional(),
  solver_order: z.union([z.literal(1), z.literal(2)]).optional(),
  use_exponential_sigmas: off,
  use_beta_sigmas: off,
  use_lu_lambdas: off,
  use_flow_sigmas: off,
  thresholding: off,
  interpolation_type: z.literal('linear').optional(),
  timestep_type: z.literal('discrete').optional(),
});

/**
 * A model's scheduler_config.json as `cls.from_config` of diffusers reads it: unknown keys are dropped, missing ones take
 * the target class's own defaults.
 * @throws StopbathError `MODEL_UNSUPPORTED` naming the key whose value is not built here.
 */
export function readSchedulerConfig(file: unknown, defaults: Partial<SchedulerConfig>): SchedulerConfig {
  const parsed = fileSchema.safeParse(file);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new StopbathError({
      code: 'MODEL_UNSUPPORTED',
      message: `scheduler_config.json: ${issue?.path.join('.') ?? ''} has a value this version cannot use.`,
      detail: z.prettifyError(parsed.error),
    });
  }
  const known = parsed.data;
  const named = {
    numTrainTimesteps: known.num_train_timesteps,
    betaStart: known.beta_start,
    betaEnd: known.beta_end,
    betaSchedule: known.beta_schedule,
    trainedBetas: known.trained_betas,
    predictionType: known.prediction_type,
    timestepSpacing: known.timestep_spacing,
    stepsOffset: known.steps_offset,
    rescaleBetasZeroSnr: known.rescale_betas_zero_snr,
    useKarrasSigmas: known.use_karras_sigmas ?? undefined,
    finalSigmasType: known.final_sigmas_type,
    setAlphaToOne: known.set_alpha_to_one,
    lowerOrderFinal: known.lower_order_final,
    eulerAtFinal: known.euler_at_final,
    solverOrder: known.solver_order,
  };
  const given = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
  return { ...base, ...defaults, ...given };
}
