import type { Settings } from '../../shared/contract.ts';
import { batchSize } from '../../shared/generation.ts';
import { emptySnapshot, isEnded, type JobSnapshot, type Picture } from '../../shared/job.ts';
import type { Library } from './library.ts';
import type { QueueFile } from './queueFile.ts';
import type { Runs } from './runs/runStore.ts';
import { leftJob, queuedJob } from './startedJob.ts';

export interface EarlierJob {
  readonly job: JobSnapshot;
  /** When it was put in the queue, milliseconds since 1970; null: only the queue's file knows of it. */
  readonly at: number | null;
  /** It had come to its end, and its own record does not say so yet. */
  readonly isNewlyFinished: boolean;
}

export interface EarlierJobs {
  /** What has steps, or was at it, oldest first. */
  readonly jobs: readonly EarlierJob[];
  /** Waiting, in order: among {@link jobs} those that have steps already, the others only here. */
  readonly waiting: readonly JobSnapshot[];
}

export interface EarlierJobsOptions {
  readonly runs: Runs;
  readonly queueFile: QueueFile;
  readonly library: Library;
  readonly settings: () => Settings;
}

/** What the sessions before this one left: waiting jobs, runs with their steps, and what was at it when the app ended. */
export async function readEarlierJobs({ runs, queueFile, library, settings }: EarlierJobsOptions): Promise<EarlierJobs> {
  const { queued, interrupted } = await queueFile.read();
  const requests = new Map(queued.map(({ jobId, request }) => [jobId, request]));
  const { paceMs } = settings();
  const jobs: EarlierJob[] = [];
  for (const { job, at } of await runs.open()) {
    const request = requests.get(job.jobId);
    const finished = request === undefined ? await asFinished(job, library) : null;
    const left = request === undefined ? leftJob(job, runs.has(job.jobId)) : queuedJob({ ...job, request });
    jobs.push({ at, job: finished ?? left, isNewlyFinished: finished !== null });
  }
  const known = new Map(jobs.map(({ job }) => [job.jobId, job]));
  // The disk took none of their steps.
  for (const { jobId, request, breakpoints } of interrupted.filter((job) => !known.has(job.jobId))) {
    jobs.push({ at: null, isNewlyFinished: false, job: leftJob({ ...emptySnapshot(jobId, request, paceMs), breakpoints, state: 'running' }, false) });
  }
  const waiting = queued.map(({ jobId, request, breakpoints }) => known.get(jobId) ?? { ...emptySnapshot(jobId, request, paceMs), breakpoints });
  return { jobs, waiting };
}

/** The app may have ended between saving a run's pictures and noting it: the library knows better. Null: it has not finished. */
async function asFinished(job: JobSnapshot, library: Library): Promise<JobSnapshot | null> {
  const isDrawn = job.numTimesteps !== null && job.steps.length >= job.numTimesteps;
  if (isEnded(job.state) || !isDrawn) return null;
  const pictures = await library.ofJob(job.jobId).catch((): Picture[] => []);
  const complete = pictures.filter(({ completeness }) => completeness === 'complete');
  if (complete.length < batchSize(job.request)) return null;
  return { ...job, state: 'finished', stopping: false, failure: null, keepable: false, pictures: complete };
}
