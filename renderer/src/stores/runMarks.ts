import type { SteeringEntry } from '../../../shared/generation.ts';
import type { JobSnapshot, Parent } from '../../../shared/job.ts';
import type { Halt } from './jobs.ts';

/** Something that was done to a run, or happened to it, after one of its steps. */
export type RunMark =
  | { readonly kind: 'steered'; readonly steering: SteeringEntry['steering'] }
  | { readonly kind: 'halted'; readonly halt: Halt }
  | { readonly kind: 'forked'; readonly parent: Parent };

/** The marks of a run by the index of the step after which they stand. */
export function marksByStep(job: JobSnapshot, halts: readonly Halt[]): ReadonlyMap<number, readonly RunMark[]> {
  const marks = new Map<number, RunMark[]>();
  const add = (stepIndex: number, mark: RunMark): void => {
    marks.set(stepIndex, [...(marks.get(stepIndex) ?? []), mark]);
  };
  if (job.parent !== null) add(job.parent.stepIndex, { kind: 'forked', parent: job.parent });
  for (const { afterStep, steering } of withoutRepeats(job.log)) add(afterStep, { kind: 'steered', steering });
  for (const halt of allHalts(job, halts)) {
    // Every step of one by one would be marked.
    if (halt.stepsDone > 0 && halt.reason !== 'single-step') add(halt.stepsDone - 1, { kind: 'halted', halt });
  }
  return marks;
}

/** A knob that was turned during one step counts as where it ended. */
function withoutRepeats(log: JobSnapshot['log']): JobSnapshot['log'] {
  return log.flatMap((given, index) => {
    const later = log.slice(index + 1).filter(({ afterStep }) => afterStep === given.afterStep);
    const entry = withoutMovedLoras(given, later);
    const left = Object.entries(entry.steering).filter(
      ([key, value]) => value !== undefined && (key === 'loras' || !later.some(({ steering }) => steering[key as keyof typeof steering] !== undefined)),
    );
    return left.length === 0 ? [] : [{ ...entry, steering: Object.fromEntries(left) }];
  });
}

/** Each LoRA is a knob of its own. */
function withoutMovedLoras(entry: SteeringEntry, later: readonly SteeringEntry[]): SteeringEntry {
  const { loras, ...rest } = entry.steering;
  const moved = new Set(later.flatMap(({ steering }) => (steering.loras ?? []).map(({ name }) => name)));
  const left = (loras ?? []).filter(({ name }) => !moved.has(name));
  return { ...entry, steering: left.length === 0 ? rest : { ...rest, loras: left } };
}

/** With the one that a page opened later has not seen come. */
function allHalts(job: JobSnapshot, halts: readonly Halt[]): readonly Halt[] {
  const { state } = job;
  if (state !== 'paused' && state !== 'stopped' && state !== 'failed') return halts;
  const stepsDone = job.steps.length;
  const isKnown = halts.some((halt) => halt.kind === state && halt.stepsDone === stepsDone);
  return isKnown ? halts : [...halts, { stepsDone, kind: state, reason: null }];
}
