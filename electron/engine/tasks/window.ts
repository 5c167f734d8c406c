import { StopbathError } from '../../../shared/errors.ts';
import type { GenerationRequest } from '../../../shared/generation.ts';
import type { StepWindow } from '../schedulers/course.ts';
import type { StepPlan, Stepper } from '../schedulers/scheduler.ts';
import { roundHalfEven } from '../tensor/float16.ts';

type Part = Pick<GenerationRequest, 'task' | 'strength' | 'denoisingStart' | 'denoisingEnd'>;
type List = Pick<Stepper, 'timesteps' | 'order'>;

/**
 * Which part of a scheduler's list a request runs: `get_timesteps` of diffusers' pipelines, and its denoising_end.
 * @param plan what the list was made of
 * @param numTrainTimesteps of the scheduler's config
 * @throws StopbathError `INVALID_INPUT` where nothing is left to do, naming the field that did it.
 */
export function stepWindow(part: Part, plan: StepPlan, list: List, numTrainTimesteps: number): StepWindow {
  const begin = windowBegin(part, plan, list, numTrainTimesteps);
  return { begin, end: windowEnd(part, list, begin, numTrainTimesteps) };
}

/** A share of the schedule as the timestep it lies at; rounded like Python, ties to even. */
function timestepOf(share: number, numTrainTimesteps: number): number {
  return roundHalfEven(numTrainTimesteps - share * numTrainTimesteps);
}

function windowBegin(part: Part, plan: StepPlan, { timesteps, order }: List, numTrainTimesteps: number): number {
  if (part.task === 'text-to-image') return 0;
  if (part.denoisingStart !== null) {
    const cutoff = timestepOf(part.denoisingStart, numTrainTimesteps);
    let count = timesteps.filter((timestep) => timestep < cutoff).length;
    if (count === 0) throw nothingLeft('denoisingStart', 'No step of this schedule lies after the start.', 'Start earlier, or take more steps.');
    // All but the first timestep of a two-call solver stand twice: a run never begins between the two.
    if (order === 2 && count % 2 === 0) count += 1;
    return Math.max(0, timesteps.length - count);
  }
  // diffusers counts the entries of a list that was given, not its steps.
  const steps = plan.timesteps === undefined && plan.sigmas === undefined ? plan.steps : timesteps.length;
  const beginOf = (strength: number): number => (steps - Math.min(Math.trunc(steps * strength), steps)) * order;
  const begin = beginOf(part.strength);
  if (begin < timesteps.length && begin < steps * order) return begin;
  // In hundredths, as forms count.
  const least = Array.from({ length: 100 }, (_, index) => (index + 1) / 100).find((strength) => beginOf(strength) < Math.min(timesteps.length, steps * order));
  const nextStep = `Set the strength to ${least ?? 1} or more, or take more steps.`;
  throw nothingLeft('strength', `A strength of ${part.strength} leaves none of ${steps} steps.`, nextStep);
}

function windowEnd({ denoisingEnd }: Part, { timesteps }: List, begin: number, numTrainTimesteps: number): number {
  if (denoisingEnd === null) return timesteps.length;
  const cutoff = timestepOf(denoisingEnd, numTrainTimesteps);
  const count = timesteps.slice(begin).filter((timestep) => timestep >= cutoff).length;
  if (count > 0) return begin + count;
  throw nothingLeft('denoisingEnd', 'No step of this schedule lies before the end.', 'End later, or take more steps.');
}

function nothingLeft(field: 'strength' | 'denoisingStart' | 'denoisingEnd', message: string, nextStep: string): StopbathError {
  return new StopbathError({ code: 'INVALID_INPUT', field, message: `${field}: ${message}`, nextStep });
}
