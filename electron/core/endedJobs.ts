import { isEnded } from '../../shared/job.ts';
import type { JobNotes } from './jobNotes.ts';
import type { JobTable } from './jobTable.ts';
import type { Keeper } from './keeper.ts';
import type { Library } from './library.ts';
import type { Previews } from './previews.ts';
import type { Runs } from './runs/runStore.ts';

export interface EndedJobsOptions {
  readonly keeper: Keeper;
  readonly library: Library;
  readonly notes: JobNotes;
  readonly previews: Previews;
  readonly runs: Runs;
  readonly table: JobTable;
}

/** What becomes of jobs that have ended: their last steps come to rest on the disk, and one day they are forgotten. */
export interface EndedJobs {
  /** Begins to; {@link whenSettled} waits for it. */
  settle(jobId: string, end: { readonly isUnfinished: boolean }): void;
  whenSettled(): Promise<void>;
  /** Takes it from the list and all that is kept for it but its pictures. */
  forget(jobId: string): Promise<void>;
  forgetOldest(): Promise<void>;
  /** Lets go of runs whose pictures were all deleted. @throws StopbathError when the library cannot be read. */
  forgetDeleted(): Promise<void>;
}

/** Ended jobs beyond this number leave the list, oldest first; their pictures stay in the library. */
const maxEnded = 200;

export function createEndedJobs({ keeper, library, notes, previews, runs, table }: EndedJobsOptions): EndedJobs {
  const settling = new Set<Promise<void>>();

  const forget = async (jobId: string): Promise<void> => {
    const dropped = runs.drop(jobId);
    table.apply({ kind: 'removed', jobId });
    notes.drop(jobId);
    keeper.drop(jobId);
    previews.drop(jobId);
    await dropped;
  };

  return {
    settle: (jobId, end) => {
      const settled = runs.settle(jobId, end).finally(() => settling.delete(settled));
      settling.add(settled);
    },
    whenSettled: async () => {
      await Promise.all(settling);
    },
    forget,
    forgetOldest: async () => {
      const ended = table.list().filter(({ state }) => isEnded(state));
      for (const { jobId } of ended.slice(0, Math.max(0, ended.length - maxEnded))) await forget(jobId);
    },
    forgetDeleted: async () => {
      const ended = table.list().filter(({ state, pictures }) => isEnded(state) && pictures.length > 0);
      await library.whenRead();
      for (const { jobId, pictures } of ended) if (!pictures.some(({ id }) => library.has(id))) await forget(jobId);
    },
  };
}
