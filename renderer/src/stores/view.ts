import { createStore } from 'zustand/vanilla';
import { isEnded, type JobSnapshot, type Picture } from '../../../shared/job.ts';
import { activeJob, type JobsState } from './jobs.ts';

/** What the canvas is turned to. `follow`: the running job, else the one that ended last. */
export type ViewTarget =
  | { readonly kind: 'follow' }
  | { readonly kind: 'job'; readonly jobId: string }
  | { readonly kind: 'picture'; readonly picture: Picture };

export type DialogName = 'settings' | 'shortcuts' | 'fork' | 'compare' | 'models' | 'devices' | 'network';

export interface ViewState {
  readonly target: ViewTarget;
  /** The job that ran last while the canvas followed. */
  readonly lastJobId: string | null;
  /** The step looked back at, 0-based; null: the newest frame, or the result. */
  readonly lookStep: number | null;
  /** The step under the pointer, 0-based: shown for as long as the pointer is there. */
  readonly peekStep: number | null;
  /** Which picture of a run's batch is shown, once they are there. */
  readonly shownBatchIndex: number;
  readonly dialog: DialogName | null;
  /** Whether the history is open where the window is too narrow to show it always. */
  readonly drawerOpen: boolean;
}

export const viewStore = createStore<ViewState>(() => ({
  target: { kind: 'follow' },
  lastJobId: null,
  lookStep: null,
  peekStep: null,
  shownBatchIndex: 0,
  dialog: null,
  drawerOpen: false,
}));

export function followRuns(): void {
  viewStore.setState({ target: { kind: 'follow' }, lookStep: null, peekStep: null, shownBatchIndex: 0 });
}

export function showJob(jobId: string): void {
  viewStore.setState({ target: { kind: 'job', jobId }, lookStep: null, peekStep: null, shownBatchIndex: 0 });
}

export function showPicture(picture: Picture): void {
  viewStore.setState({ target: { kind: 'picture', picture }, lookStep: null, peekStep: null, shownBatchIndex: 0 });
}

export function clearCanvas(): void {
  viewStore.setState({ target: { kind: 'follow' }, lastJobId: null, lookStep: null, peekStep: null, shownBatchIndex: 0 });
}

/** The finished step in the canvas, 0-based; null: the newest frame, or the result. */
export function lookedAt(view: Pick<ViewState, 'lookStep' | 'peekStep'>): number | null {
  return view.peekStep ?? view.lookStep;
}

/** The job in the canvas, or null. */
export function shownJob(view: Pick<ViewState, 'target' | 'lastJobId'>, jobs: JobsState): JobSnapshot | null {
  switch (view.target.kind) {
    case 'follow':
      return activeJob(jobs) ?? jobs.byId[view.lastJobId ?? ''] ?? firstQueued(jobs);
    case 'job':
      return jobs.byId[view.target.jobId] ?? null;
    case 'picture':
      return jobs.byId[view.target.picture.jobId] ?? null;
  }
}

function firstQueued(jobs: JobsState): JobSnapshot | null {
  for (const id of jobs.order) {
    const job = jobs.byId[id];
    if (job?.state === 'queued') return job;
  }
  return null;
}

export type CanvasState =
  | 'empty'
  | 'queued'
  | 'loading'
  | 'running'
  | 'paused'
  | 'stopping'
  | 'decoding'
  | 'finished'
  | 'stopped'
  | 'failed'
  | 'kept'
  | 'picture';

export function canvasState(view: ViewState, job: JobSnapshot | null): CanvasState {
  if (view.target.kind === 'picture') return 'picture';
  if (job === null) return 'empty';
  if (job.stopping && !isEnded(job.state)) return 'stopping';
  if (job.pictures.length > 0 && job.state !== 'finished') return 'kept';
  return job.state;
}

/** The finished (or kept) picture in the canvas, or null. */
export function shownPicture(view: Pick<ViewState, 'target' | 'shownBatchIndex'>, job: JobSnapshot | null): Picture | null {
  if (view.target.kind === 'picture') return view.target.picture;
  return job?.pictures[view.shownBatchIndex] ?? job?.pictures[0] ?? null;
}

/** The pictures of the batch in the canvas, to choose among; empty when there is one or none. */
export function shownBatch(view: ViewState, job: JobSnapshot | null): readonly Picture[] {
  const pictures = job?.pictures ?? [];
  if (pictures.length < 2) return [];
  const { target } = view;
  return target.kind !== 'picture' || pictures.some((picture) => picture.id === target.picture.id) ? pictures : [];
}

/** Turns the canvas to another picture of the batch that it shows. */
export function showOfBatch(picture: Picture, job: JobSnapshot): void {
  if (viewStore.getState().target.kind === 'picture') {
    showPicture(picture);
    return;
  }
  const index = job.pictures.findIndex(({ id }) => id === picture.id);
  viewStore.setState({ shownBatchIndex: Math.max(0, index), lookStep: null });
}
