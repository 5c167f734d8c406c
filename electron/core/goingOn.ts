import { randomUUID } from 'node:crypto';
import { StopbathError } from '../../shared/errors.ts';
import { isEnded, type JobEvent, type JobSnapshot } from '../../shared/job.ts';
import type { CheckedInput } from '../../shared/rpc.ts';
import type { Inputs } from './inputs.ts';
import type { JobNotes } from './jobNotes.ts';
import type { JobTable } from './jobTable.ts';
import type { Keeper } from './keeper.ts';
import type { Runs } from './runs/runStore.ts';
import { continuedJob, decodeFailed, forkedJob } from './startedJob.ts';
import { forkRun } from './steeringLog.ts';

export interface GoingOnOptions {
  readonly inputs: Inputs;
  readonly keeper: Keeper;
  readonly notes: JobNotes;
  readonly runs: Runs;
  readonly table: JobTable;
  /** Keeps the run's own record in step. */
  readonly describe: (event: Pick<JobEvent, 'kind' | 'jobId'>) => void;
  /** Puts a job before the waiting ones. */
  readonly enqueueFirst: (job: JobSnapshot) => Promise<void>;
}

/** Runs that begin at a step that is kept: a fork is a new run, a continued one is itself again. */
export interface GoingOn {
  /** @returns the fork's id. @throws StopbathError `NOT_FOUND` when that step is not kept. */
  fork(input: CheckedInput<'jobs.fork'>): Promise<string>;
  /** From its newest checkpoint, or from the beginning where there is none yet. @throws StopbathError `INVALID_INPUT` of one that has finished. */
  continue(jobId: string): Promise<void>;
}

export function createGoingOn({ inputs, keeper, notes, runs, table, describe, enqueueFirst }: GoingOnOptions): GoingOn {
  return {
    fork: async ({ jobId: parentId, stepIndex, steering, ahead }) => {
      const parent = table.get(parentId);
      const checkpoint = await runs.checkpoint(parentId, stepIndex);
      if (checkpoint === null) {
        throw new StopbathError({
          code: 'NOT_FOUND',
          message: `Step ${stepIndex + 1} of this run is not kept.`,
          nextStep: 'Choose one of the steps that are.',
        });
      }
      const fork = forkRun(parent, checkpoint, steering, ahead);
      await inputs.check(fork.request);
      const jobId = randomUUID();
      // In a folder of its own: the parent may be cleared away before, or after, the fork has run.
      runs.setCheckpoint(jobId, fork.from);
      const previews = await runs.copyPreviews(parentId, jobId, stepIndex);
      const job = forkedJob(jobId, parent, fork, steering.paceMs ?? parent.paceMs, previews);
      notes.begin(jobId);
      table.add(job);
      describe({ kind: 'queued', jobId });
      await runs.rest(jobId);
      await enqueueFirst(job);
      return jobId;
    },
    continue: async (jobId) => {
      const job = table.get(jobId);
      // Asked twice, or while it had not ended yet.
      if (!isEnded(job.state)) return;
      if (job.state === 'finished') {
        throw new StopbathError({ code: 'INVALID_INPUT', message: 'This run has finished.', nextStep: 'Go on from one of its steps.' });
      }
      if (keeper.holds(jobId)) {
        await keeper.keep(job);
        return;
      }
      await inputs.check(job.request);
      const from = await runs.checkpoint(jobId);
      if (!isEnded(table.get(jobId).state)) return;
      notes.set(jobId, { ...notes.of(jobId), decodeOnCpu: decodeFailed(job, from) });
      await enqueueFirst(continuedJob(job, from));
    },
  };
}
