import { StopbathError } from '../../shared/errors.ts';
import { applyJobEvent, isEnded, type JobEvent, type JobSnapshot } from '../../shared/job.ts';

/** Every job of this session as it stands, in the order of submission. All job events pass through here. */
export interface JobTable {
  list(): JobSnapshot[];
  /** @throws StopbathError `NOT_FOUND` */
  get(jobId: string): JobSnapshot;
  add(job: JobSnapshot): void;
  /** Applies and announces an event, unless the job has ended and the event may not follow an end. */
  apply(event: JobEvent): void;
}

const mayFollowEnd: ReadonlySet<JobEvent['kind']> = new Set(['kept', 'removed', 'queued', 'breakpoints']);

export function createJobTable(announce: (event: JobEvent) => void): JobTable {
  const jobs = new Map<string, JobSnapshot>();
  return {
    list: () => [...jobs.values()],
    get: (jobId) => {
      const job = jobs.get(jobId);
      if (job === undefined) {
        throw new StopbathError({ code: 'NOT_FOUND', message: `There is no job ${JSON.stringify(jobId)}.` });
      }
      return job;
    },
    add: (job) => {
      jobs.set(job.jobId, job);
    },
    apply: (event) => {
      const job = jobs.get(event.jobId);
      if (job === undefined) return;
      if (isEnded(job.state) && !mayFollowEnd.has(event.kind)) return;
      if (event.kind === 'removed') jobs.delete(event.jobId);
      else jobs.set(event.jobId, applyJobEvent(job, event));
      announce(event);
    },
  };
}
