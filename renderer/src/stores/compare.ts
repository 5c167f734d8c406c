import { createStore } from 'zustand/vanilla';
import type { JobSnapshot, Picture } from '../../../shared/job.ts';
import { wholeView, type CompareView } from './compareView.ts';
import type { JobsState } from './jobs.ts';
import { previewsByStep } from './lookBack.ts';
import { notify } from './notices.ts';
import { shownFrame } from './shownFrame.ts';
import { viewStore } from './view.ts';

/** What is compared: a run, or a picture whose run is no longer known. */
export type Compared = { readonly kind: 'run'; readonly jobId: string } | { readonly kind: 'picture'; readonly picture: Picture };

export const compareModes = ['grid', 'split', 'difference'] as const;
export type CompareMode = (typeof compareModes)[number];

export const mostCompared = 4;

export interface CompareState {
  readonly chosen: readonly Compared[];
  readonly mode: CompareMode;
  /** The step (0-based) that all show; null: what came of them. */
  readonly step: number | null;
  readonly view: CompareView;
  /** Where one picture gives way to the other, in shares of the box. */
  readonly splitAt: number;
  readonly factor: number;
}

export const compareStore = createStore<CompareState>(() => ({ chosen: [], mode: 'grid', step: null, view: wholeView, splitAt: 0.5, factor: 4 }));

export function comparedKey(item: Compared): string {
  return item.kind === 'run' ? `run ${item.jobId}` : `picture ${item.picture.id}`;
}

/** A picture of the history as what is compared: its run, where that is known, so that its steps can be seen too. */
export function comparedPicture(picture: Picture, jobs: JobsState): Compared {
  const job = jobs.byId[picture.jobId];
  return job?.pictures.length === 1 && job.pictures[0]?.id === picture.id ? { kind: 'run', jobId: job.jobId } : { kind: 'picture', picture };
}

export function isChosen(chosen: readonly Compared[], item: Compared): boolean {
  return chosen.some((other) => comparedKey(other) === comparedKey(item));
}

export function toggleCompared(item: Compared): void {
  const { chosen } = compareStore.getState();
  if (isChosen(chosen, item)) {
    const left = chosen.filter((other) => comparedKey(other) !== comparedKey(item));
    compareStore.setState((state) => ({ chosen: left, mode: left.length === 2 ? state.mode : 'grid' }));
    if (left.length < 2 && viewStore.getState().dialog === 'compare') closeCompare();
    return;
  }
  if (chosen.length >= mostCompared) {
    notify('compareFull', { count: mostCompared });
    return;
  }
  compareStore.setState((state) => ({ chosen: [...chosen, item], mode: chosen.length === 1 ? state.mode : 'grid' }));
}

export function clearCompared(): void {
  compareStore.setState({ chosen: [] });
  if (viewStore.getState().dialog === 'compare') closeCompare();
}

export function openCompare(): void {
  if (compareStore.getState().chosen.length < 2) return;
  compareStore.setState({ step: null, view: wholeView, splitAt: 0.5 });
  viewStore.setState({ dialog: 'compare' });
}

/** Compares just these, whatever was chosen before. */
export function compareThese(items: readonly Compared[]): void {
  compareStore.setState({ chosen: items.slice(0, mostCompared), mode: items.length === 2 ? 'split' : 'grid' });
  openCompare();
}

export function closeCompare(): void {
  viewStore.setState({ dialog: null });
}

/** What a compared run or picture shows at a step: an earlier one where it has no preview of it, its last where it is shorter. */
export interface ComparedFrame {
  readonly src: string;
  /** 1-based; null: the result. */
  readonly step: number | null;
}

export function comparedFrame(item: Compared, job: JobSnapshot | null, step: number | null): ComparedFrame | null {
  const picture = item.kind === 'picture' ? item.picture : (job?.pictures[0] ?? null);
  if (job === null || step === null) {
    if (picture !== null) return { src: picture.url, step: null };
    return job === null ? null : shownFrame(job, null, null);
  }
  const found = shownFrame(job, null, Math.min(step, Math.max(0, job.steps.length - 1)));
  return found ?? (picture === null ? null : { src: picture.url, step: null });
}

/** Steps of the longest of the runs that previews are there for. */
export function comparedSteps(jobs: readonly (JobSnapshot | null)[]): number {
  return Math.max(0, ...jobs.map((job) => (job === null || previewsByStep(job.previews).size === 0 ? 0 : job.steps.length)));
}

/** A step back or on; beyond the last one stands what came of it. */
export function movedStep(step: number | null, by: number, count: number): number | null {
  const next = (step ?? count) + by;
  return next >= count ? null : Math.max(0, next);
}
