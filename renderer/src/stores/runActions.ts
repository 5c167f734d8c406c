import { toFailure } from '../../../shared/errors.ts';
import { applyJobEvent, isEnded, type Steering } from '../../../shared/job.ts';
import { appStore } from './app.ts';
import { callCore } from './core.ts';
import { formStore, setForm } from './form.ts';
import { checkAll, noteSent, refuseField } from './formChecks.ts';
import { splitCount, toRequest } from './formRequest.ts';
import { activeJob, jobsStore, noteJob } from './jobs.ts';
import { settleMask } from './maskFile.ts';
import { currentModel } from './models.ts';
import { notify, notifyFailure } from './notices.ts';
import { parseSeed, randomSeed } from './seed.ts';
import { stageSideStore, turnStage } from './stageSide.ts';
import { followRuns } from './view.ts';

/** Sends the form. Resolves to false when a field is wrong; its checks show which. */
export async function generate(): Promise<boolean> {
  try {
    // What was painted a moment ago belongs to the run.
    await settleMask();
  } catch (error) {
    notifyFailure(toFailure(error));
    return false;
  }
  if (!checkAll()) return false;
  const form = formStore.getState();
  const model = currentModel(appStore.getState(), form.modelId);
  const seed = form.randomSeed ? randomSeed() : parseSeed(form.seed);
  if (model === null || seed === null) return false;
  const { side } = stageSideStore.getState();
  followRuns();
  try {
    const { jobIds } = await callCore('jobs.submit', { request: toRequest(form, model, seed), count: splitCount(form).runs });
    noteSent(jobIds, form);
    return true;
  } catch (error) {
    // No run came of it.
    turnStage(side);
    const failure = toFailure(error);
    if (refuseField(failure)) return false;
    notifyFailure(failure);
    return true;
  }
}

/** A failure is told as a notice. */
export async function attempt(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    notifyFailure(toFailure(error));
  }
}

/** What comes too late, because the run has just ended by itself, is no error. */
export async function attemptWhileRunning(jobId: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const job = jobsStore.getState().byId[jobId];
    if (job !== undefined && !isEnded(job.state)) notifyFailure(toFailure(error));
  }
}

/** Stops the running job; a second time ends the engine process at once. The screen answers before core has: the click was heard. */
export function stopRun(): void {
  const job = activeJob(jobsStore.getState());
  if (job === null) return;
  // What can be done with it stands there.
  turnStage('result');
  const stopping = applyJobEvent(job, { kind: 'stopping', jobId: job.jobId, hard: job.stopping });
  jobsStore.setState((state) => ({ byId: { ...state.byId, [job.jobId]: stopping } }));
  void attemptWhileRunning(job.jobId, () => callCore('jobs.stop', { jobId: job.jobId }));
}

export async function keepEstimate(jobId: string): Promise<void> {
  noteJob(jobId, { keeping: true });
  await attempt(() => callCore('jobs.keep', { jobId }));
  noteJob(jobId, { keeping: false });
}

export function removeJob(jobId: string): void {
  callCore('jobs.remove', { jobId }).catch((error: unknown) => {
    // One that began to run meanwhile stays; it shows that by itself.
    if (activeJob(jobsStore.getState())?.jobId !== jobId) notifyFailure(toFailure(error));
  });
}

export function clearQueue(): void {
  const { order, byId } = jobsStore.getState();
  const waiting = order.filter((id) => byId[id]?.state === 'queued');
  for (const id of waiting) removeJob(id);
  if (waiting.length > 0) notify('queueCleared', { count: waiting.length });
}

const steerEveryMs = 90;
let pendingSteering: { jobId: string; steering: Steering } | null = null;
let steerTimer: ReturnType<typeof setTimeout> | undefined;

/** Steers a running job. The job shows it at once; a drag reaches the core a few times a second, its last value always. */
export function steerRun(jobId: string, steering: Steering): void {
  const job = jobsStore.getState().byId[jobId];
  if (job === undefined || isEnded(job.state)) return;
  // What was done and when is for the engine to say.
  const steered = { ...applyJobEvent(job, { kind: 'steered', jobId, steering, afterStep: job.steps.length }), log: job.log };
  jobsStore.setState((state) => ({ byId: { ...state.byId, [jobId]: steered } }));
  noteJob(jobId, { wanted: { ...jobsStore.getState().extras[jobId]?.wanted, ...steering }, wantedSince: null });

  if (pendingSteering !== null && pendingSteering.jobId !== jobId) flushSteering();
  pendingSteering = { jobId, steering: { ...pendingSteering?.steering, ...steering } };
  steerTimer ??= setTimeout(flushSteering, steerEveryMs);
}

function flushSteering(): void {
  clearTimeout(steerTimer);
  steerTimer = undefined;
  const pending = pendingSteering;
  pendingSteering = null;
  if (pending === null) return;
  const { jobId } = pending;
  void attemptWhileRunning(jobId, async () => {
    await callCore('jobs.steer', pending);
    const sent = pendingSteering === null ? jobsStore.getState().byId[jobId] : undefined;
    if (sent !== undefined) noteJob(jobId, { wantedSince: sent.steps.length });
  });
}

/** Ends guidance with the step in progress. */
export function guidanceOff(): void {
  const job = activeJob(jobsStore.getState());
  if (job === null) return;
  steerRun(job.jobId, { guidanceEnd: { kind: 'guided-steps', steps: job.steps.length } });
}

/** Rolls a seed and keeps it, so that it can be seen and used again. */
export function newSeed(): void {
  setForm({ seed: randomSeed(), randomSeed: false });
}
