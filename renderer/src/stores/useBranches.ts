import { useMemo } from 'react';
import { useStore } from 'zustand';
import type { JobSnapshot } from '../../../shared/job.ts';
import { branchesStore } from './branches.ts';
import { familyRows, type BranchRow } from './branchTree.ts';
import { jobsStore } from './jobs.ts';

/** The tree that a run is in, without what was discarded. */
export function useFamily(jobId: string | null): readonly BranchRow[] {
  const byId = useStore(jobsStore, (jobs) => jobs.byId);
  const order = useStore(jobsStore, (jobs) => jobs.order);
  const discarded = useStore(branchesStore, (branches) => branches.discarded);
  return useMemo(() => {
    if (jobId === null) return [];
    const jobs = order.flatMap((id) => {
      const job = byId[id];
      return job === undefined || discarded.includes(id) ? [] : [job];
    });
    return familyRows(jobs, jobId);
  }, [jobId, byId, order, discarded]);
}

export function useJob(jobId: string | null): JobSnapshot | null {
  return useStore(jobsStore, (jobs) => jobs.byId[jobId ?? ''] ?? null);
}
