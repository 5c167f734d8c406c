import { createStore } from 'zustand/vanilla';
import type { JobSnapshot, Steering } from '../../../shared/job.ts';
import { jobsStore } from './jobs.ts';
import { steerRun } from './runActions.ts';

/** Prompts as they are being changed while a run goes on; they outlive the run, so that nothing typed is lost. */
export interface LiveEdit {
  readonly prompt: string;
  /** Empty: none. */
  readonly negativePrompt: string;
  /** Steps that were done at the last key. */
  readonly stepsDone: number;
}

export interface LiveEditsState {
  readonly byJob: Readonly<Record<string, LiveEdit>>;
}

export const liveEditsStore = createStore<LiveEditsState>(() => ({ byJob: {} }));

export type PromptField = 'prompt' | 'negativePrompt';

/** The prompts that the run draws by now. */
export function currentPrompts({ request, log }: Pick<JobSnapshot, 'request' | 'log'>): Pick<LiveEdit, PromptField> {
  const prompt = log.findLast(({ steering }) => steering.prompt !== undefined)?.steering.prompt ?? request.prompt;
  const negative = log.findLast(({ steering }) => steering.negativePrompt !== undefined);
  return { prompt, negativePrompt: (negative === undefined ? request.negativePrompt : negative.steering.negativePrompt) ?? '' };
}

export function setLiveEdit(job: JobSnapshot, change: Partial<Pick<LiveEdit, PromptField>>): void {
  liveEditsStore.setState(({ byJob }) => ({
    byJob: { ...byJob, [job.jobId]: { ...(byJob[job.jobId] ?? currentPrompts(job)), ...change, stepsDone: job.steps.length } },
  }));
}

export function dropLiveEdit(jobId: string): void {
  liveEditsStore.setState(({ byJob }) => ({ byJob: Object.fromEntries(Object.entries(byJob).filter(([id]) => id !== jobId)) }));
}

/** What of an edit the run does not draw yet; null: nothing. An empty negative prompt is none. */
export function unapplied(job: JobSnapshot, edit: LiveEdit | undefined): Pick<Steering, PromptField> | null {
  if (edit === undefined) return null;
  const now = currentPrompts(job);
  const change: Pick<Steering, PromptField> = {
    ...(edit.prompt === now.prompt ? {} : { prompt: edit.prompt }),
    ...(edit.negativePrompt === now.negativePrompt ? {} : { negativePrompt: edit.negativePrompt === '' ? null : edit.negativePrompt }),
  };
  return Object.keys(change).length === 0 ? null : change;
}

/** From the next step on; the engine's word that it is so makes the edit the run's own. */
export function applyLiveEdit(jobId: string): void {
  const job = jobsStore.getState().byId[jobId];
  const change = job === undefined ? null : unapplied(job, liveEditsStore.getState().byJob[jobId]);
  if (change !== null) steerRun(jobId, change);
}

/** Whether an edit was sent and the engine has not answered. */
export function isApplying(wanted: Steering | undefined): boolean {
  return wanted?.prompt !== undefined || wanted?.negativePrompt !== undefined;
}

/** The step to fork from when an edit came too late: the one looked at, else where it was made; always one with steps after it. */
export function editedStep(job: JobSnapshot, edit: LiveEdit, look: number | null): number {
  const last = job.state === 'finished' ? job.steps.length - 2 : job.steps.length - 1;
  return Math.max(0, Math.min(look ?? edit.stepsDone - 1, last));
}
