import type { Settings } from '../../../shared/contract.ts';
import { toFailure } from '../../../shared/errors.ts';
import { chartStore } from './chart.ts';
import { callCore } from './core.ts';
import { formStore } from './form.ts';
import { formToSave } from './formSaved.ts';
import { activeJob, jobsStore } from './jobs.ts';
import { notifyFailure } from './notices.ts';
import { steerRun } from './runActions.ts';
import { settingsStore } from './settings.ts';

/** Shows the change at once and takes it back when it could not be saved. */
export async function changeSettings(change: Partial<Settings>): Promise<void> {
  const before = settingsStore.getState();
  settingsStore.setState(change);
  try {
    await callCore('settings.set', change);
  } catch (error) {
    settingsStore.setState(before);
    notifyFailure(toFailure(error));
  }
}

/** The pace of this run, if one goes on, and of those to come. */
export function changePace(paceMs: number): void {
  const job = activeJob(jobsStore.getState());
  if (job !== null) steerRun(job.jobId, { paceMs });
  void changeSettings({ paceMs });
}

const formRestMs = 400;

/** Saves the form, and what the chart shows, a moment after the last key, and at once when the page is left. */
export function keepFormSaved(): void {
  let timer: number | undefined;
  const save = (): void => {
    if (timer === undefined) return;
    window.clearTimeout(timer);
    timer = undefined;
    // Losing this save loses no work: the next key saves again.
    callCore('settings.set', { form: { ...formToSave(formStore.getState()), chart: [...chartStore.getState().shown] } }).catch(() => undefined);
  };
  const saveSoon = (): void => {
    window.clearTimeout(timer);
    timer = window.setTimeout(save, formRestMs);
  };
  formStore.subscribe(saveSoon);
  chartStore.subscribe(saveSoon);
  window.addEventListener('pagehide', save);
}
