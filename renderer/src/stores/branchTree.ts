import type { SteeringEntry } from '../../../shared/generation.ts';
import type { JobSnapshot, Parent, Steering } from '../../../shared/job.ts';
import { entriesWithout, wholeLog } from '../../../shared/steeringLog.ts';

/** A run and what branched off from it. */
export interface BranchNode {
  readonly jobId: string;
  /** Null: it has been cleared away, and is known by its branches alone. */
  readonly job: JobSnapshot | null;
  readonly children: readonly BranchNode[];
}

/** A line of the tree, in the order in which it is read. */
export interface BranchRow {
  readonly jobId: string;
  readonly job: JobSnapshot | null;
  /** 0 at the root. */
  readonly depth: number;
  readonly parent: Parent | null;
}

/** The runs as trees, in their order; branches of one run by the step they begin at. */
export function forest(jobs: readonly JobSnapshot[]): readonly BranchNode[] {
  const byId = new Map(jobs.map((job) => [job.jobId, job]));
  const children = new Map<string, JobSnapshot[]>();
  for (const job of jobs) {
    if (job.parent !== null) children.set(job.parent.jobId, [...(children.get(job.parent.jobId) ?? []), job]);
  }
  const placed = new Set<string>();
  const grow = (jobId: string): BranchNode => {
    placed.add(jobId);
    const own = (children.get(jobId) ?? []).filter((child) => !placed.has(child.jobId));
    own.sort((a, b) => (a.parent?.stepIndex ?? 0) - (b.parent?.stepIndex ?? 0));
    return { jobId, job: byId.get(jobId) ?? null, children: own.map((child) => grow(child.jobId)) };
  };
  const roots: BranchNode[] = [];
  for (const job of jobs) {
    if (placed.has(job.jobId)) continue;
    if (job.parent === null) roots.push(grow(job.jobId));
    else if (!byId.has(job.parent.jobId) && !placed.has(job.parent.jobId)) roots.push(grow(job.parent.jobId));
  }
  return roots;
}

function holds(node: BranchNode, jobId: string): boolean {
  return node.jobId === jobId || node.children.some((child) => holds(child, jobId));
}

function rowsOf(node: BranchNode, depth: number): readonly BranchRow[] {
  const row = { jobId: node.jobId, job: node.job, depth, parent: node.job?.parent ?? null };
  return [row, ...node.children.flatMap((child) => rowsOf(child, depth + 1))];
}

/** The tree that a run is in, line by line. */
export function familyRows(jobs: readonly JobSnapshot[], jobId: string): readonly BranchRow[] {
  const root = forest(jobs).find((node) => holds(node, jobId));
  return root === undefined ? [] : rowsOf(root, 0);
}

/** The branches that leave the same run at the same step, the given one among them. */
export function siblings(jobs: readonly JobSnapshot[], { parent }: JobSnapshot): readonly JobSnapshot[] {
  return parent === null ? [] : jobs.filter((job) => job.parent?.jobId === parent.jobId && job.parent.stepIndex === parent.stepIndex);
}

/** What sets a branch apart from its parent. */
export interface BranchChange {
  /** What was done here and not there, put together. */
  readonly steering: Steering;
  /** Whether something was left out that was done there. */
  readonly without: boolean;
}

export function branchChange(job: JobSnapshot, parent: JobSnapshot | null): BranchChange {
  const own = wholeLog(job);
  const since = job.parent?.stepIndex ?? -1;
  const isHere = ({ afterStep }: SteeringEntry): boolean => afterStep >= since;
  const theirs = parent === null ? [] : wholeLog(parent);
  const steering = entriesWithout(own, theirs)
    .filter(isHere)
    .reduce<Steering>((all, entry) => ({ ...all, ...entry.steering }), {});
  const missing = entriesWithout(theirs, own).some(isHere);
  return { steering, without: missing && Object.keys(steering).length === 0 };
}
