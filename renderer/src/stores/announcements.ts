import { createStore } from 'zustand/vanilla';
import type { JobEvent, JobSnapshot } from '../../../shared/job.ts';
import { jobSteps } from './stepPlan.ts';

/** A message key under `announce.` for people who listen. */
export interface Announcement {
  readonly id: number;
  readonly key: 'step' | 'finished' | 'stopped' | 'failed' | 'kept' | 'paused' | 'steered' | 'warning';
  readonly values: Readonly<Record<string, string | number>>;
}

export interface AnnouncementsState {
  readonly latest: Announcement | null;
}

export const announcementsStore = createStore<AnnouncementsState>(() => ({ latest: null }));

let nextId = 1;

function announce(key: Announcement['key'], values: Announcement['values']): void {
  announcementsStore.setState({ latest: { id: nextId++, key, values } });
}

/** Speaks of every quarter of a run and of its end: more would drown everything else. */
export function announceJob(job: JobSnapshot, event: JobEvent): void {
  const total = jobSteps(job);
  const values = { done: job.steps.length, total };
  switch (event.kind) {
    case 'step':
      if (isQuarter(event.step.stepIndex + 1, total)) announce('step', values);
      return;
    case 'finished':
      announce('finished', { ...values, count: event.pictures.length });
      return;
    case 'steered':
      // The pace changes nothing in the picture.
      if (Object.keys(event.steering).some((key) => key !== 'paceMs')) announce('steered', { step: event.afterStep + 2 });
      return;
    case 'warning':
      announce('warning', { code: event.code });
      return;
    case 'paused':
    case 'stopped':
    case 'failed':
    case 'kept':
      announce(event.kind, values);
      return;
    default:
      return;
  }
}

function isQuarter(done: number, total: number): boolean {
  return done < total && Math.floor((done * 4) / total) > Math.floor(((done - 1) * 4) / total);
}
