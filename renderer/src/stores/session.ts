import type { EventName, EventValue, Settings } from '../../../shared/contract.ts';
import { toFailure } from '../../../shared/errors.ts';
import type { JobEvent, JobSnapshot, Picture } from '../../../shared/job.ts';
import type { Connection } from '../../../shared/rpc.ts';
import { startBridge } from '../bridge.ts';
import { announceJob } from './announcements.ts';
import { appStore } from './app.ts';
import { isCommandId, runCommand } from './commandActions.ts';
import { takeSavedChart } from './chart.ts';
import { callCore, setConnection } from './core.ts';
import { applyEngineStatus, engineStore } from './engine.ts';
import { setForm } from './form.ts';
import { refuseSent } from './formChecks.ts';
import { readSavedForm } from './formSaved.ts';
import { receiveDevices } from './devices.ts';
import { createFramePace, type Haste } from './framePace.ts';
import { applyToJobs, jobsStore, replaceJobs, withoutPicture } from './jobs.ts';
import { libraryStore, withLibraryEvent } from './library.ts';
import { receiveLoraFiles } from './loraFiles.ts';
import { receiveDownload, receiveReport } from './modelLibrary.ts';
import { settleModel } from './models.ts';
import { receiveNetworkEntry } from './network.ts';
import { notifyFailure, warn } from './notices.ts';
import { pictureInCanvas, readLibrary } from './pictureActions.ts';
import { settingsStore } from './settings.ts';
import { keepFormSaved } from './settingsActions.ts';
import { turnStage } from './stageSide.ts';
import { clearCanvas, followRuns, viewStore } from './view.ts';

/** Connects the stores to the core for as long as the page lives. */
export function startSession(): void {
  startBridge({
    onState: (link) => {
      appStore.setState((state) => ({ link, retries: link === 'lost' ? state.retries + 1 : 0 }));
      if (link === 'lost') setConnection(null);
    },
    onConnection: (connection) => {
      setConnection(connection);
      listen(connection);
      void readEverything();
    },
  });
}

function listen(connection: Connection): void {
  const receivers: { readonly [N in EventName]: (value: EventValue<N>) => void } = {
    job: jobPace.add,
    engine: applyEngineStatus,
    settings: takeSettings,
    library: receiveLibrary,
    models: receiveModels,
    download: receiveDownload,
    network: receiveNetworkEntry,
    devices: receiveDevices,
    doctor: receiveReport,
    adapters: receiveLoraFiles,
    command: ({ command }) => {
      if (isCommandId(command)) runCommand(command);
    },
    notice: notifyFailure,
  };
  connection.onEvent((name, value) => {
    const receive = receivers[name] as ((value: unknown) => void) | undefined;
    receive?.(value);
  });
}

/** Each answer is taken in the moment it comes: an event right behind it must find it there. */
async function readEverything(): Promise<void> {
  const first = !appStore.getState().ready;
  try {
    engineStore.setState({ status: null });
    await Promise.all([
      callCore('app.info', {}).then((info) => {
        appStore.setState({ info });
        if (first) info.notices.forEach(notifyFailure);
      }),
      Promise.all([callCore('settings.get', {}), callCore('models.list', {})]).then(([settings, models]) => {
        takeSettings(settings);
        appStore.setState({ models });
        if (first) takeSavedForm(settings);
        settleModel(models);
      }),
      callCore('jobs.list', {}).then((jobs) => {
        // The list is newer than what waits.
        jobPace.flush();
        replaceJobs(jobs);
        settleView(jobs);
      }),
      callCore('engine.status', {}).then(applyEngineStatus),
      readLibrary('start'),
    ]);
    if (first) keepFormSaved();
    appStore.setState({ ready: true });
  } catch (error) {
    // A connection lost half-way says so by itself, and the next one reads again.
    if (appStore.getState().link === 'open') notifyFailure(toFailure(error));
  }
}

/** Turns the canvas to what there is: after a restart of the core the jobs it showed may be gone. */
function settleView(jobs: readonly JobSnapshot[]): void {
  const { target, lastJobId } = viewStore.getState();
  const isThere = (jobId: string): boolean => jobs.some((job) => job.jobId === jobId);
  if (target.kind === 'job' && !isThere(target.jobId)) followRuns();
  if (lastJobId !== null && isThere(lastJobId)) return;
  const latest = jobs.findLast((job) => job.state !== 'queued');
  viewStore.setState({ lastJobId: latest?.jobId ?? null });
}

function receiveModels(models: EventValue<'models'>): void {
  appStore.setState({ models });
  settleModel(models);
}

function takeSettings(settings: Settings): void {
  settingsStore.setState(settings);
}

function takeSavedForm(settings: Settings): void {
  if (settings.form === null) return;
  setForm(readSavedForm(settings.form));
  takeSavedChart(settings.form['chart']);
}

function receiveLibrary(event: EventValue<'library'>): void {
  libraryStore.setState((state) => withLibraryEvent(state, event));
  if (event.kind !== 'removed') return;
  const shown = pictureInCanvas();
  jobsStore.setState((state) => withoutPicture(state, event.id));
  // Whoever deleted it, here or in another window: there is nothing left to show or to save.
  if (pictureInCanvas()?.id === event.id) leaveDeleted();
  else keepShown(shown);
}

/** Nothing came of the runs any more: a task that begins with a picture turns back to it. */
function leaveDeleted(): void {
  clearCanvas();
  turnStage('start');
}

/** One picture less in its batch: the one in the canvas may have another place there. */
function keepShown(picture: Picture | null): void {
  if (picture === null) return;
  const index = jobsStore.getState().byId[picture.jobId]?.pictures.findIndex(({ id }) => id === picture.id) ?? -1;
  viewStore.setState({ shownBatchIndex: Math.max(0, index) });
}

/**
 * Steps come faster than they can be drawn. A run that ends and the next that begins are one change of the page, not three.
 * What answers a person is told at once.
 */
const hastes: Partial<Record<JobEvent['kind'], Haste>> = {
  step: 'paced',
  preview: 'paced',
  'callback-log': 'paced',
  loading: 'frame',
  decoding: 'frame',
  finished: 'frame',
};

const jobPace = createFramePace<JobEvent>(
  (events) => events.forEach(receiveJob),
  ({ kind }) => hastes[kind] ?? 'now',
);

function receiveJob(event: JobEvent): void {
  if (event.kind === 'removed') leaveRemoved(event.jobId);
  jobsStore.setState((state) => applyToJobs(state, event, settingsStore.getState().paceMs));
  const job = jobsStore.getState().byId[event.jobId];
  if (job === undefined) return;
  announceJob(job, event);
  if (event.kind === 'failed') refuseSent(event.jobId, event.failure);
  if (event.kind === 'steer-refused') warn('steerRefused', { why: event.failure.message });
  if (event.kind === 'queued' || event.kind === 'kept') return;
  const view = viewStore.getState();
  if (view.lastJobId === event.jobId) return;
  // Another job took over: a look back at the one before ends with it.
  viewStore.setState({ lastJobId: event.jobId, ...(view.target.kind === 'follow' ? { lookStep: null, shownBatchIndex: 0 } : {}) });
}

/** A job cleared from the list gives the canvas back to the runs. */
function leaveRemoved(jobId: string): void {
  const { target, lastJobId } = viewStore.getState();
  if (target.kind === 'job' && target.jobId === jobId) followRuns();
  else if (target.kind === 'follow' && lastJobId === jobId) viewStore.setState({ lastJobId: null, lookStep: null });
}
