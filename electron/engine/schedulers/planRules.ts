import { StopbathError } from '../../../shared/errors.ts';
import type { SchedulerConfig } from './config.ts';
import type { Scheduler, StepPlan } from './scheduler.ts';
import { isCurved } from './sigmaCurves.ts';
import { isContinuous } from './sigmaSpace.ts';

type ListField = 'timesteps' | 'sigmas';

function refusal(field: ListField | 'steps', message: string, nextStep: string): StopbathError {
  return new StopbathError({ code: 'INVALID_INPUT', field, message, nextStep });
}

const dropList = 'Leave the list out, or choose another sampler.';

/**
 * What may be asked of a scheduler: the rules of diffusers' `retrieve_timesteps` and `set_timesteps`, and beyond them that
 * lists fall and lie within the trained range.
 * @throws StopbathError `INVALID_INPUT` naming `timesteps`, `sigmas` or `steps`.
 */
export function checkPlan(scheduler: Scheduler, config: SchedulerConfig, plan: StepPlan): void {
  const { timesteps, sigmas } = plan;
  if (timesteps !== undefined && sigmas !== undefined) {
    throw refusal('sigmas', 'Timesteps and sigmas cannot both be given.', 'Leave one of the two lists out.');
  }
  if (plan.steps > config.numTrainTimesteps) {
    throw refusal('steps', `The model was trained on ${config.numTrainTimesteps} steps only.`, 'Set fewer steps.');
  }
  if (timesteps !== undefined) checkTimesteps(scheduler, config, plan.steps, timesteps);
  if (sigmas !== undefined) checkSigmas(scheduler, config, sigmas);
}

function checkTimesteps(scheduler: Scheduler, config: SchedulerConfig, steps: number, timesteps: readonly number[]): void {
  if (!scheduler.accepts.timesteps) throw refusal('timesteps', 'This sampler takes no list of timesteps.', dropList);
  if (timesteps.length === 0 || timesteps.length !== steps) {
    throw refusal('timesteps', 'The steps are not as many as the timesteps.', 'Give one timestep a step.');
  }
  const isFlow = scheduler.accepts.sigmas && scheduler.predictions.includes('flow_prediction');
  if (!isFlow && (isCurved(config) || config.useLuLambdas || config.useFlowSigmas || isContinuous(config))) {
    const message = 'A list of timesteps and a schedule of noise levels exclude each other.';
    throw refusal('timesteps', message, 'Set the schedule to Uniform.');
  }
  const top = isFlow ? config.numTrainTimesteps : config.numTrainTimesteps - 1;
  if (!timesteps.every((timestep, at) => timestep >= 0 && timestep <= top && timestep < (timesteps[at - 1] ?? Infinity))) {
    throw refusal('timesteps', `Timesteps must fall, from ${top} at most to 0 at least.`, 'Correct the list.');
  }
  if (!scheduler.accepts.sigmas && !timesteps.every(Number.isInteger)) {
    throw refusal('timesteps', 'This sampler takes whole timesteps only.', 'Round the list.');
  }
}

function checkSigmas(scheduler: Scheduler, config: SchedulerConfig, sigmas: readonly number[]): void {
  if (!scheduler.accepts.sigmas) throw refusal('sigmas', 'This sampler takes no list of sigmas.', dropList);
  const endsAtLast = endsAtLastSigma(scheduler);
  // UniPC reads a list in flow mode only, and there not together with a curve.
  if ('useFlowSigmas' in scheduler.defaults && (!config.useFlowSigmas || isCurved(config))) {
    throw refusal('sigmas', 'This sampler takes a list of sigmas for models of rectified flow only.', dropList);
  }
  if (sigmas.length < (endsAtLast ? 2 : 1)) {
    throw refusal('sigmas', 'The list of sigmas is too short.', 'Give one more sigma than steps.');
  }
  const falls = sigmas.every((sigma, at) => Number.isFinite(sigma) && sigma < (sigmas[at - 1] ?? Infinity));
  const least = sigmas[sigmas.length - 1] ?? 0;
  if (!falls || least < 0 || (least === 0 && !endsAtLast)) {
    throw refusal('sigmas', `Sigmas must fall and be ${endsAtLast ? '0 or more' : 'more than 0'}.`, 'Correct the list.');
  }
}

/** Euler's last sigma is where the last step ends; the schedulers of a flow add their own end. */
export function endsAtLastSigma(scheduler: Scheduler): boolean {
  return !scheduler.predictions.includes('flow_prediction');
}
