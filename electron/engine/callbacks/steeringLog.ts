import { isDeepStrictEqual } from 'node:util';
import type { Checkpoint } from '../../../shared/engineProtocol.ts';
import { StopbathError } from '../../../shared/errors.ts';
import type { GenerationRequest, SteeringEntry } from '../../../shared/generation.ts';
import type { Steering } from '../../../shared/job.ts';

/**
 * A run's steering log where it begins or goes on. What was done stands in two places: `request.steering`, which the run was
 * given, and a log of what was steered beyond it. At the same step the former comes first; both together, in that order,
 * given as `request.steering` from the start, make the same picture.
 */
export interface LogCut {
  /** Applied before the first step of this run; its state holds them already. */
  readonly executed: readonly SteeringEntry[];
  /** Of those, what is not in `request.steering`. */
  readonly live: readonly SteeringEntry[];
  /** Of `request.steering`, what is still to be applied, in its order. */
  readonly planned: readonly SteeringEntry[];
}

/** Every entry that changes something, in the order of application. */
export function mergedLog(planned: readonly SteeringEntry[], live: readonly SteeringEntry[]): SteeringEntry[] {
  return [...planned, ...live].filter(({ steering }) => picturePart(steering) !== null).sort((a, b) => a.afterStep - b.afterStep);
}

/** A steering without what is no part of the picture; null where nothing is left. */
export function picturePart({ paceMs: _pace, ...steering }: Steering): SteeringEntry['steering'] | null {
  return Object.values(steering).every((value) => value === undefined) ? null : steering;
}

/** As JSON has it: a key that is undefined is no key. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}

function same(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(plain(a), plain(b));
}

/**
 * Where a request takes up a checkpoint's run. It goes on as itself, with the request it was begun with, or is a fork, whose
 * `steering` begins with all that was done up to there. What either says for that step and later steps beyond that is new.
 * @throws StopbathError `INVALID_INPUT` when the request's steering belongs to another past.
 */
export function cutAt(from: Checkpoint | undefined, request: GenerationRequest): LogCut {
  const given = mergedLog(request.steering, []);
  if (from === undefined) return { executed: [], live: [], planned: given };
  const lastStep = from.stepsDone - 1;
  const begun = mergedLog(from.request.steering, []).filter(({ afterStep }) => afterStep <= lastStep);
  const executed = mergedLog(begun, from.log);
  const past = given.filter(({ afterStep }) => afterStep <= lastStep);
  if (same(past.slice(0, executed.length), executed)) return { executed, live: [], planned: given.slice(executed.length) };
  if (same(past, begun)) return { executed, live: from.log, planned: given.slice(begun.length) };
  throw new StopbathError({
    code: 'INVALID_INPUT',
    field: 'steering',
    message: `steering: The run was steered otherwise up to step ${from.stepsDone}, where it is to go on.`,
    nextStep: 'Change what comes after that step only, or start the picture anew.',
  });
}

type Wording = Pick<GenerationRequest, 'prompt' | 'negativePrompt'>;

/** What the request says by the end of a log: only what a later encoding has to know. */
export function wordingAfter(request: Wording, log: readonly SteeringEntry[]): Wording {
  return log.reduce<Wording>((wording, { steering }) => reworded(wording, steering), request);
}

export function reworded({ prompt, negativePrompt }: Wording, steering: Steering): Wording {
  return {
    prompt: steering.prompt ?? prompt,
    negativePrompt: steering.negativePrompt === undefined ? negativePrompt : steering.negativePrompt,
  };
}
