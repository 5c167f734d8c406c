import { StopbathError } from '../../../shared/errors.ts';
import {
  schedulerLabels,
  type SchedulerId,
  sigmaScheduleLabels,
  type SigmaScheduleId,
  sigmaSchedulesOf,
  timestepSpacingLabels,
  type TimestepSpacingId,
  timestepSpacingsOf,
} from '../../../shared/samplers.ts';
import { alignedTimesteps, type AysFamily } from './alignYourSteps.ts';
import { readSchedulerConfig, type SchedulerConfig, unsupported } from './config.ts';
import { ddim } from './ddim.ts';
import { ddpm } from './ddpm.ts';
import { deis } from './deis.ts';
import { dpm2 } from './dpm2.ts';
import { dpm2Ancestral } from './dpm2Ancestral.ts';
import { dpmMultistep } from './dpmMultistep.ts';
import { dpmSinglestep } from './dpmSinglestep.ts';
import { euler } from './euler.ts';
import { eulerAncestral } from './eulerAncestral.ts';
import { flowEuler } from './flowEuler.ts';
import { heun } from './heun.ts';
import { lcm } from './lcm.ts';
import { lms } from './lms.ts';
import { checkPlan, endsAtLastSigma } from './planRules.ts';
import { pndm } from './pndm.ts';
import type { Scheduler, StepPlan } from './scheduler.ts';
import { tcd } from './tcd.ts';
import { unipc } from './unipc.ts';

interface Entry {
  readonly scheduler: Scheduler;
  /** What the id itself stands for, over anything a model's file says. */
  readonly fixed?: Partial<SchedulerConfig>;
}

const deterministic = { algorithmType: 'dpmsolver++' } as const;
const stochastic = { algorithmType: 'sde-dpmsolver++' } as const;

/**
 * To add a scheduler: a file of its own beside this one, a line here, its id, label and what it can follow in
 * shared/samplers.ts, and its rows in e2e/parity/goldens/rows.py.
 */
const entries: Record<SchedulerId, Entry> = {
  euler: { scheduler: euler },
  euler_a: { scheduler: eulerAncestral },
  heun: { scheduler: heun },
  lms: { scheduler: lms },
  dpm2: { scheduler: dpm2 },
  dpm2_a: { scheduler: dpm2Ancestral },
  dpmpp_2m: { scheduler: dpmMultistep, fixed: deterministic },
  dpmpp_2m_sde: { scheduler: dpmMultistep, fixed: stochastic },
  dpmpp_2s: { scheduler: dpmSinglestep, fixed: deterministic },
  dpmpp_sde: { scheduler: dpmSinglestep, fixed: stochastic },
  ddim: { scheduler: ddim },
  ddpm: { scheduler: ddpm },
  unipc: { scheduler: unipc },
  pndm: { scheduler: pndm },
  deis: { scheduler: deis },
  lcm: { scheduler: lcm },
  tcd: { scheduler: tcd },
  flow_euler: { scheduler: flowEuler, fixed: { predictionType: 'flow_prediction' } },
};

/** What a run chooses over the model's file. */
export interface SchedulerOptions {
  readonly sigmaSchedule?: SigmaScheduleId;
  readonly timestepSpacing?: TimestepSpacingId;
  /** DDIM and TCD, 0..1. */
  readonly eta?: number;
  /** Whose Align Your Steps list it is. */
  readonly family?: AysFamily;
  /** Shift of a flow whose config shifts dynamically, see `dynamicShift`. */
  readonly mu?: number;
}

export interface LoadedScheduler {
  readonly scheduler: Scheduler;
  readonly config: SchedulerConfig;
  /**
   * The plan for `createStepper`: the steps asked for, the lists a user gave, and Align Your Steps where it was chosen.
   * A list decides the number of steps. `from`: the rest of a run from there down.
   * @throws StopbathError `INVALID_INPUT` naming `timesteps`, `sigmas` or `steps`.
   */
  plan(steps: number, lists?: Pick<StepPlan, 'timesteps' | 'sigmas' | 'from'>): StepPlan;
}

/**
 * A scheduler with a model's config, cross-loaded as diffusers' `from_config` does, and what a run chooses over it.
 * @param file the parsed scheduler_config.json
 * @throws StopbathError `MODEL_UNSUPPORTED` when the config asks for what is not built, `INVALID_INPUT` naming
 * `sigmaSchedule` or `timestepSpacing` when the scheduler cannot follow the choice.
 */
export function loadScheduler(id: SchedulerId, file: unknown, options: SchedulerOptions = {}): LoadedScheduler {
  const { sigmaSchedule = 'automatic', timestepSpacing = 'automatic', eta = 0, family = 'sd', mu = null } = options;
  const { scheduler, fixed } = entries[id];
  if (!sigmaSchedulesOf(id).includes(sigmaSchedule)) throw refused(id, 'sigmaSchedule', sigmaScheduleLabels[sigmaSchedule]);
  if (!timestepSpacingsOf(id).includes(timestepSpacing)) {
    throw refused(id, 'timestepSpacing', timestepSpacingLabels[timestepSpacing]);
  }
  const config: SchedulerConfig = {
    ...readSchedulerConfig(file, scheduler.defaults),
    ...fixed,
    ...chosenCurve(sigmaSchedule),
    ...(timestepSpacing === 'automatic' ? {} : { timestepSpacing }),
    eta,
    mu,
  };
  if (!scheduler.predictions.includes(config.predictionType)) {
    throw unsupported('prediction_type', `${schedulerLabels[id]} has no ${config.predictionType}.`);
  }
  const checked: Scheduler = {
    ...scheduler,
    createStepper(given, plan) {
      checkPlan(scheduler, given, plan);
      return scheduler.createStepper(given, plan);
    },
  };
  return {
    scheduler: checked,
    config,
    plan(steps, { timesteps, sigmas, from } = {}) {
      const isListed = timesteps !== undefined || sigmas !== undefined;
      if (isListed && sigmaSchedule !== 'automatic' && sigmaSchedule !== 'uniform') throw listAndSchedule(sigmaSchedule);
      const plan: StepPlan = {
        steps: timesteps?.length ?? (sigmas === undefined ? steps : sigmas.length - (endsAtLastSigma(scheduler) ? 1 : 0)),
        ...(timesteps === undefined ? {} : { timesteps }),
        ...(sigmas === undefined ? {} : { sigmas }),
        ...(sigmaSchedule === 'ays' ? { timesteps: alignedTimesteps(config, family, steps, from) } : {}),
        ...(from === undefined ? {} : { from }),
      };
      checkPlan(scheduler, config, plan);
      return plan;
    },
  };
}

/** `uniform` and Align Your Steps switch off every curve of the file; the levels of a flow belong to the model and stay. */
function chosenCurve(schedule: SigmaScheduleId): Partial<SchedulerConfig> {
  if (schedule === 'automatic') return {};
  return {
    useKarrasSigmas: schedule === 'karras',
    useExponentialSigmas: schedule === 'exponential',
    useBetaSigmas: schedule === 'beta',
    useLuLambdas: false,
  };
}

function refused(id: SchedulerId, field: 'sigmaSchedule' | 'timestepSpacing', label: string): StopbathError {
  return new StopbathError({
    code: 'INVALID_INPUT',
    field,
    message: `${schedulerLabels[id]} cannot follow ${label}.`,
    nextStep: 'Set it to Automatic, or choose another sampler.',
  });
}

function listAndSchedule(schedule: SigmaScheduleId): StopbathError {
  return new StopbathError({
    code: 'INVALID_INPUT',
    field: 'sigmaSchedule',
    message: `${sigmaScheduleLabels[schedule]} and a list of steps exclude each other.`,
    nextStep: 'Leave the list out, or set the schedule to Uniform.',
  });
}
