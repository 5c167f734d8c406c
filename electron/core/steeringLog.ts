import type { Checkpoint } from '../../shared/engineProtocol.ts';
import { StopbathError } from '../../shared/errors.ts';
import { type GenerationRequest, parseGenerationRequest, type SteeringEntry } from '../../shared/generation.ts';
import type { Steering } from '../../shared/job.ts';
import { byStep, entriesWithout, type SteeredRun, wholeLog } from '../../shared/steeringLog.ts';

/** Entries that a request may carry. */
const mostEntries = 1000;

/** What was done by the time of a checkpoint, in order. */
function executedBy({ request, log, stepsDone }: Checkpoint): SteeringEntry[] {
  return byStep([...request.steering.filter(({ afterStep }) => afterStep < stepsDone), ...log]);
}

/** The request that draws a run's picture again without anybody steering. */
export function requestAsRun(run: SteeredRun): GenerationRequest {
  return { ...run.request, steering: wholeLog(run) };
}

/** The steering that a run is given beyond its pace; null when that is nothing. */
export function pictureSteering({ paceMs: _, ...steering }: Steering): SteeringEntry['steering'] | null {
  return Object.values(steering).some((value) => value !== undefined) ? steering : null;
}

export interface Fork {
  readonly request: GenerationRequest;
  /** The parent's, as if the fork's request had led to it. */
  readonly from: Checkpoint;
}

/**
 * A run that goes on after a step of another with something changed. Of the parent's steering it keeps what had been done by
 * that step (those done just there come before the change); with nothing changed it is to be the same run again and keeps all.
 * @param ahead what comes at later steps instead; entries by that step are passed over, as what is done stays
 * @throws StopbathError `INVALID_INPUT` when the request would carry too much steering.
 */
export function forkRun(parent: SteeredRun, checkpoint: Checkpoint, steering: Steering, ahead?: readonly SteeringEntry[]): Fork {
  const stepIndex = checkpoint.stepsDone - 1;
  const done = executedBy(checkpoint);
  const change = pictureSteering(steering);
  const rest = ahead ?? (change === null ? wholeLog(parent) : []);
  const next = change === null ? [] : [{ afterStep: stepIndex, steering: change }];
  const later = byStep(rest.filter(({ afterStep }) => afterStep > stepIndex));
  const request = parseGenerationRequest({ ...parent.request, steering: [...done, ...next, ...later] });
  return { request, from: { ...checkpoint, request: { ...parent.request, steering: done }, log: [] } };
}

/**
 * What the engine is asked so that a run goes on as itself, in the words of a fork: all that was done, then what is still to be
 * done. That is what was planned, and what was done after the checkpoint: it is done again at its step.
 */
export function requestToGoOn(run: SteeredRun, from: Checkpoint): GenerationRequest {
  const executed = executedBy(from);
  const ahead = entriesWithout(wholeLog(run), executed).filter(({ afterStep }) => afterStep >= from.stepsDone - 1);
  return { ...run.request, steering: [...executed, ...ahead] };
}

/** @throws StopbathError `INVALID_INPUT` for a run whose picture could not carry one more change. */
export function checkRoom(job: SteeredRun, steering: Steering): void {
  if (pictureSteering(steering) === null || wholeLog(job).length < mostEntries) return;
  throw new StopbathError({
    code: 'INVALID_INPUT',
    message: `This run has been changed ${mostEntries} times; it takes no more.`,
    nextStep: 'Let it end, or stop it and go on from one of its steps.',
  });
}
