import type { GenerationRequest, SteeringEntry } from './generation.ts';

/** A job, or a checkpoint, as far as its steering goes: what was asked for, and what was done beyond it. */
export interface SteeredRun {
  readonly request: GenerationRequest;
  readonly log: readonly SteeringEntry[];
}

/**
 * All that was, and by its request will be, done to a run, in order: what the request plans, and what was steered beyond it.
 * A run tells planned entries as it meets them; those count once.
 */
export function wholeLog({ request, log }: SteeredRun): SteeringEntry[] {
  return byStep([...request.steering, ...entriesWithout(log, request.steering)]);
}

/** What of a log the other has not, entry by entry. */
export function entriesWithout(log: readonly SteeringEntry[], other: readonly SteeringEntry[]): SteeringEntry[] {
  const left = other.map(entryKey);
  return log.filter((entry) => {
    const at = left.indexOf(entryKey(entry));
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

export function byStep(log: readonly SteeringEntry[]): SteeringEntry[] {
  // Sorting is stable: what was done after the same step stays in order.
  return [...log].sort((a, b) => a.afterStep - b.afterStep);
}

/** The same whatever the order of its fields. */
export function entryKey({ afterStep, steering }: SteeringEntry): string {
  const fields = Object.entries(steering).filter(([, value]) => value !== undefined);
  return JSON.stringify([afterStep, fields.sort(([a], [b]) => (a < b ? -1 : 1))]);
}
