import { useState } from 'react';
import { closeFork } from '../../stores/branches.ts';
import { forkErrors, forkSteering, isNoisy, variationsOf, withChange, type ForkChanges, type ForkErrors } from '../../stores/forkDraft.ts';
import { continuesItself, firstChanges, forkRequest, startForks, type ForkPlan } from '../../stores/forkPanel.ts';
import type { Steering } from '../../../../shared/job.ts';
import { useKeptSteps } from './useKeptSteps.ts';

export interface Fork {
  /** The runs in which the steps are kept, by step; null until that is known. */
  readonly kept: ReadonlyMap<number, string> | null;
  readonly changes: ForkChanges;
  readonly errors: ForkErrors;
  readonly steering: Steering;
  /** As typed. */
  readonly variations: string;
  /** Runs that a start makes. */
  readonly count: number;
  readonly isUnchanged: boolean;
  /** A start lets the run itself go on. */
  readonly itself: boolean;
  /** A start draws the run from its beginning: the step before the entry is kept nowhere. */
  readonly replays: boolean;
  readonly atEnd: boolean;
  readonly possible: boolean;
  change(change: ForkChanges): void;
  setVariations(text: string): void;
  start(): Promise<void>;
}

/** What is filled into the fork panel, and what a start makes of it. */
export function useFork(plan: ForkPlan): Fork {
  const { job, stepIndex, base, edited } = plan;
  const kept = useKeptSteps(job.jobId, job.steps.length);
  const [changes, setChanges] = useState<ForkChanges>(() => firstChanges(plan));
  const [variations, setVariations] = useState('1');
  const [busy, setBusy] = useState(false);

  const source = kept?.get(stepIndex) ?? null;
  const replays = edited !== null && kept !== null && source === null;
  const varied = edited === null && isNoisy(base, changes);
  const errors = forkErrors(base, changes, varied ? variations : '1');
  const steering = forkSteering(base, changes);
  const count = varied && errors.variations === undefined ? Number(variations) : 1;
  const isUnchanged = edited === null && count === 1 && Object.keys(steering).length === 0;
  const itself = isUnchanged && continuesItself(plan);
  const atEnd = base.done >= base.settings.numTimesteps && !itself;
  const possible = kept !== null && (source !== null || replays || itself) && !atEnd && Object.keys(errors).length === 0 && !busy;

  const start = async (): Promise<void> => {
    if (!possible) return;
    setBusy(true);
    const started = await startForks(variationsOf(steering, count).map((each) => forkRequest(plan, each, source)));
    setBusy(false);
    if (started) closeFork();
  };
  const change = (next: ForkChanges): void => setChanges(withChange(base, changes, next));
  return { kept, changes, errors, steering, variations, count, isUnchanged, itself, replays, atEnd, possible, change, setVariations, start };
}
