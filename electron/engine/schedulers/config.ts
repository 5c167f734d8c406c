import { z } from 'zod';
import { StopbathError } from '../../../shared/errors.ts';
import type { PredictionType } from '../guidance/prediction.ts';

/** The keys of a diffusers scheduler_config.json that change the maths. */
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

  /** At most one of the curves is on. */
  readonly useKarrasSigmas: boolean;
  readonly useExponentialSigmas: boolean;
  readonly useBetaSigmas: boolean;
  /** DPM++ multistep: even in log sigma. */
  readonly useLuLambdas: boolean;
  /** DPM++, UniPC, DEIS: the levels of a rectified flow. */
  readonly useFlowSigmas: boolean;
  readonly flowShift: number;
  /** Ends of the curves, in place of the ends of the trained levels. */
  readonly sigmaMin: number | null;
  readonly sigmaMax: number | null;
  readonly finalSigmasType: 'zero' | 'sigma_min';
  /** Euler: how levels between the trained ones are found. */
  readonly interpolationType: 'linear' | 'log_linear';
  /** Euler: `continuous` tells a v-prediction model 0.25 ln sigma in place of a timestep. */
  readonly timestepType: 'discrete' | 'continuous';

  /** DDIM, PNDM, LCM: the signal after the last step is 1, else that of timestep 0. */
  readonly setAlphaToOne: boolean;
  readonly clipSample: boolean;
  readonly clipSampleRange: number;
  /** Dynamic thresholding of x0, arXiv 2205.11487. */
  readonly thresholding: boolean;
  readonly dynamicThresholdingRatio: number;
  readonly sampleMaxValue: number;
  readonly varianceType: 'fixed_small' | 'fixed_small_log' | 'fixed_large';

  readonly solverOrder: 1 | 2 | 3;
  readonly solverType: 'midpoint' | 'heun' | 'logrho' | 'bh1' | 'bh2';
  readonly lowerOrderFinal: boolean;
  readonly eulerAtFinal: boolean;
  /** Levels with a log signal-to-noise ratio below are left out. */
  readonly lambdaMinClipped: number;
  readonly predictX0: boolean;
  /** UniPC: step indices after which the corrector does not run. */
  readonly disableCorrector: readonly number[];
  /** PNDM: without the Runge-Kutta steps at the beginning. */
  readonly skipPrkSteps: boolean;
  readonly originalInferenceSteps: number;
  readonly timestepScaling: number;

  readonly shift: number;
  readonly useDynamicShifting: boolean;
  readonly timeShiftType: 'exponential' | 'linear';
  readonly shiftTerminal: number | null;
  readonly baseShift: number;
  readonly maxShift: number;
  readonly baseImageSeqLen: number;
  readonly maxImageSeqLen: number;
  readonly invertSigmas: boolean;
  readonly stochasticSampling: boolean;

  /** The id of the sampler decides it, not the file. */
  readonly algorithmType: 'dpmsolver++' | 'sde-dpmsolver++';
  /** DDIM, TCD: the share of fresh noise, 0..1. Not a config key: pipelines pass it. */
  readonly eta: number;
  /** Shift exponent under dynamic shifting. Not a config key: pipelines work it out from the picture's size. */
  readonly mu: number | null;
}

/** What stands for a key that a scheduler's class does not have: the value that changes nothing. */
const neutral: SchedulerConfig = {
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
  useExponentialSigmas: false,
  useBetaSigmas: false,
  useLuLambdas: false,
  useFlowSigmas: false,
  flowShift: 1,
  sigmaMin: null,
  sigmaMax: null,
  finalSigmasType: 'zero',
  interpolationType: 'linear',
  timestepType: 'discrete',
  setAlphaToOne: true,
  clipSample: false,
  clipSampleRange: 1,
  thresholding: false,
  dynamicThresholdingRatio: 0.995,
  sampleMaxValue: 1,
  varianceType: 'fixed_small',
  solverOrder: 2,
  solverType: 'midpoint',
  lowerOrderFinal: true,
  eulerAtFinal: false,
  lambdaMinClipped: -Infinity,
  predictX0: true,
  disableCorrector: [],
  skipPrkSteps: false,
  originalInferenceSteps: 50,
  timestepScaling: 10,
  shift: 1,
  useDynamicShifting: false,
  timeShiftType: 'exponential',
  shiftTerminal: null,
  baseShift: 0.5,
  maxShift: 1.15,
  baseImageSeqLen: 256,
  maxImageSeqLen: 4096,
  invertSigmas: false,
  stochasticSampling: false,
  algorithmType: 'dpmsolver++',
  eta: 0,
  mu: null,
};

type Neutral<Key extends keyof SchedulerConfig> = Pick<SchedulerConfig, Key>;

function neutralKeys<Key extends keyof SchedulerConfig>(...keys: Key[]): Neutral<Key> {
  return Object.fromEntries(keys.map((key) => [key, neutral[key]])) as Neutral<Key>;
}

/** Groups of keys, with diffusers' usual defaults, for the `defaults` of a scheduler. */
export const trainedKeys = neutralKeys('numTrainTimesteps', 'betaStart', 'betaEnd', 'betaSchedule', 'trainedBetas');
export const spacingKeys = neutralKeys('timestepSpacing', 'stepsOffset');
/** sigma_min and sigma_max are looked up by every class with curves, also where its constructor does not name them. */
export const curveKeys = neutralKeys('useKarrasSigmas', 'useExponentialSigmas', 'useBetaSigmas', 'sigmaMin', 'sigmaMax');
export const thresholdingKeys = neutralKeys('thresholding', 'dynamicThresholdingRatio', 'sampleMaxValue');
export const flowSigmaKeys = neutralKeys('useFlowSigmas', 'flowShift', 'useDynamicShifting', 'timeShiftType');

const flag = z.boolean();
const positive = z.number().positive();

/** The file's own names; camel case of them are the names in {@link SchedulerConfig}. */
const fileKeys = {
  num_train_timesteps: z.int().min(2),
  beta_start: positive,
  beta_end: positive,
  beta_schedule: z.enum(['linear', 'scaled_linear', 'squaredcos_cap_v2']),
  trained_betas: z.array(z.number()).min(2),
  prediction_type: z.enum(['epsilon', 'v_prediction', 'sample', 'flow_prediction']),
  timestep_spacing: z.enum(['linspace', 'leading', 'trailing']),
  steps_offset: z.int().min(0),
  rescale_betas_zero_snr: flag,
  use_karras_sigmas: flag,
  use_exponential_sigmas: flag,
  use_beta_sigmas: flag,
  use_lu_lambdas: flag,
  use_flow_sigmas: flag,
  flow_shift: positive,
  sigma_min: positive,
  sigma_max: positive,
  final_sigmas_type: z.enum(['zero', 'sigma_min']),
  interpolation_type: z.enum(['linear', 'log_linear']),
  timestep_type: z.enum(['discrete', 'continuous']),
  set_alpha_to_one: flag,
  clip_sample: flag,
  clip_sample_range: positive,
  thresholding: flag,
  dynamic_thresholding_ratio: z.number().min(0).max(1),
  sample_max_value: positive,
  // Learned variances need a model that gives twice the channels; fixed_large_log takes the root of a negative number.
  variance_type: z.enum(['fixed_small', 'fixed_small_log', 'fixed_large']),
  solver_order: z.union([z.literal(1), z.literal(2), z.literal(3)]),
  solver_type: z.enum(['midpoint', 'heun', 'logrho', 'bh1', 'bh2']),
  lower_order_final: flag,
  euler_at_final: flag,
  lambda_min_clipped: z.number(),
  predict_x0: flag,
  disable_corrector: z.array(z.int().min(0)),
  solver_p: z.null(),
  skip_prk_steps: flag,
  original_inference_steps: z.int().min(1),
  timestep_scaling: z.number(),
  shift: positive,
  use_dynamic_shifting: flag,
  time_shift_type: z.enum(['exponential', 'linear']),
  shift_terminal: z.number().min(0).max(1),
  base_shift: z.number(),
  max_shift: z.number(),
  base_image_seq_len: z.int().min(1),
  max_image_seq_len: z.int().min(1),
  invert_sigmas: flag,
  stochastic_sampling: flag,
};

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * A model's scheduler_config.json as `cls.from_config` of diffusers reads it: keys the class does not have are dropped,
 * missing (and null) ones take the class's own defaults.
 * @param defaults every key the class has, with its default
 * @throws StopbathError `MODEL_UNSUPPORTED` naming the key whose value is not built here.
 */
export function readSchedulerConfig(file: unknown, defaults: Partial<SchedulerConfig>): SchedulerConfig {
  const given: Record<string, unknown> = {};
  const values: Record<string, unknown> = typeof file === 'object' && file !== null ? { ...file } : {};
  for (const [key, schema] of Object.entries(fileKeys)) {
    const value = values[key] ?? null;
    if (value === null || !(camelCase(key) in defaults)) continue;
    const parsed = schema.safeParse(value);
    if (!parsed.success) throw unsupported(key, z.prettifyError(parsed.error));
    given[camelCase(key)] = parsed.data;
  }
  const config: SchedulerConfig = { ...neutral, ...defaults, ...given };
  if ([config.useKarrasSigmas, config.useExponentialSigmas, config.useBetaSigmas].filter(Boolean).length > 1) {
    throw unsupported('use_karras_sigmas', 'Only one of use_karras_sigmas, use_exponential_sigmas, use_beta_sigmas may be true.');
  }
  return config;
}

/** @param key its name in the file */
export function unsupported(key: string, detail: string): StopbathError {
  return new StopbathError({
    code: 'MODEL_UNSUPPORTED',
    message: `scheduler_config.json: ${key} has a value this version cannot use.`,
    nextStep: 'Choose another sampler, or change the value in the file.',
    detail,
  });
}
