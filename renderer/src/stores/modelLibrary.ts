import { createStore } from 'zustand/vanilla';
import type { CallInput } from '../../../shared/contract.ts';
import { toFailure, type Failure } from '../../../shared/errors.ts';
import type { DoctorReport, Download, KnownRepo, Model, Offer, Placement } from '../../../shared/models.ts';
import { appStore } from './app.ts';
import { callCore } from './core.ts';
import { chooseModel } from './models.ts';
import { notify, notifyFailure } from './notices.ts';
import { attempt } from './runActions.ts';
import { viewStore } from './view.ts';

export interface ModelLibraryState {
  /** What stands in the field where a name, an address or a path is typed. */
  readonly at: string;
  readonly looking: boolean;
  readonly problem: Failure | null;
  readonly offer: Offer | null;
  /** Id of the chosen variant of the offer. */
  readonly variant: string;
  /** The offer is being taken: core reads a file, which may be long. */
  readonly taking: boolean;
  /** Nothing can be written beside the chosen variant's file: it can only be taken as a copy. */
  readonly copyOnly: boolean;
  /** Why the offer could not be taken. */
  readonly refusal: Failure | null;
  readonly downloads: readonly Download[];
  readonly known: readonly KnownRepo[];
  readonly reports: Readonly<Record<string, DoctorReport>>;
  /** Models that are being examined. */
  readonly examining: readonly string[];
  /** Models whose weights are being copied into the app's folder. */
  readonly copying: readonly string[];
  readonly token: { readonly isSet: boolean; readonly isSafe: boolean } | null;
}

export const modelLibraryStore = createStore<ModelLibraryState>(() => ({
  at: '',
  looking: false,
  problem: null,
  offer: null,
  variant: '',
  taking: false,
  copyOnly: false,
  refusal: null,
  downloads: [],
  known: [],
  reports: {},
  examining: [],
  copying: [],
  token: null,
}));

const set = modelLibraryStore.setState;

/** What the dialog shows besides the models; read when it opens. */
export async function readModelLibrary(): Promise<void> {
  await attempt(async () => {
    const [downloads, known, token, models] = await Promise.all([
      callCore('downloads.list', {}),
      callCore('models.known', {}),
      callCore('hub.token', {}),
      // Files may have gone, or come back, since.
      callCore('models.list', {}),
    ]);
    set({ downloads, known, token });
    appStore.setState({ models });
  });
}

export function receiveDownload(download: Download): void {
  set(({ downloads }) => {
    const others = downloads.filter(({ id }) => id !== download.id);
    // Cancelled ones are told a last time as waiting with nothing done; `done` ones are models now.
    return { downloads: download.state === 'done' ? others : withAt(downloads, download) };
  });
  if (download.state === 'done') notify('modelReady', { name: download.title });
}

function withAt(downloads: readonly Download[], download: Download): readonly Download[] {
  const known = downloads.some(({ id }) => id === download.id);
  return known ? downloads.map((other) => (other.id === download.id ? download : other)) : [...downloads, download];
}

export function receiveReport(report: DoctorReport): void {
  set(({ reports }) => ({ reports: { ...reports, [report.modelId]: report } }));
}

export function typeAddress(at: string): void {
  set({ at, problem: null });
}

let looks = 0;

/** Asks what lies there; a newer question makes an older answer void. */
export async function lookAt(at: string): Promise<void> {
  const text = at.trim();
  if (text === '') return;
  const turn = ++looks;
  set({ at: text, looking: true, problem: null, offer: null, refusal: null, taking: false, copyOnly: false });
  try {
    const offer = await callCore('models.look', { at: text });
    if (turn === looks) set({ looking: false, offer, variant: offer.variants[0]?.id ?? '' });
  } catch (error) {
    if (turn === looks) set({ looking: false, problem: toFailure(error) });
  }
}

export function chooseVariant(variant: string): void {
  set({ variant, refusal: null, copyOnly: false });
}

export function closeOffer(): void {
  looks++;
  set({ offer: null, looking: false, problem: null, refusal: null, taking: false, copyOnly: false });
}

/** Electron only: the system's own dialog. */
export async function pickModel(kind: CallInput<'models.pick'>['kind']): Promise<void> {
  await attempt(async () => {
    const { path } = await callCore('models.pick', { kind });
    if (path !== null) await lookAt(path);
  });
}

/** A file or a folder let go over the window. A page in a browser is not told where it lies. */
export function takeModelFile(file: File): void {
  viewStore.setState({ dialog: 'models' });
  const path = window.stopbath?.pathForFile(file) ?? '';
  if (path !== '') {
    void lookAt(path);
    return;
  }
  set({ at: file.name, offer: null, problem: { code: 'INVALID_INPUT', message: 'A browser does not tell where a file lies.', nextStep: 'Type its whole path.', field: 'at' } });
}

/** Takes the chosen variant: a download begins, or the model is there at once. @param placement `copy`: what its file's disk does not take */
export async function takeOffer(placement: Placement = 'link'): Promise<void> {
  const { offer, variant, taking } = modelLibraryStore.getState();
  if (offer === null || variant === '' || taking) return;
  const turn = looks;
  set({ taking: true, refusal: null });
  try {
    const { modelId } = await callCore('models.add', { source: offer.source, variant, ...(placement === 'copy' ? { placement } : {}) });
    // Whoever looked elsewhere meanwhile keeps that offer.
    if (turn === looks) set({ offer: null, at: '', problem: null, taking: false });
    if (modelId !== null) notify('modelAdded', { name: offer.title });
    else await attempt(async () => set({ downloads: await callCore('downloads.list', {}) }));
  } catch (error) {
    const refusal = toFailure(error);
    if (turn === looks) set(({ copyOnly }) => ({ taking: false, refusal, copyOnly: copyOnly || refusal.code === 'NO_PLACE' }));
    else notifyFailure(refusal);
  }
}

export function pauseDownload(id: string): Promise<void> {
  return changeDownload('downloads.pause', id);
}

export function resumeDownload(id: string): Promise<void> {
  return changeDownload('downloads.resume', id);
}

export function cancelDownload(id: string): Promise<void> {
  return changeDownload('downloads.cancel', id);
}

async function changeDownload(call: 'downloads.pause' | 'downloads.resume' | 'downloads.cancel', id: string): Promise<void> {
  await attempt(async () => {
    await callCore(call, { id });
    set({ downloads: await callCore('downloads.list', {}) });
  });
}

/** Turns the form to the model and goes back to it. */
export function applyModel(model: Model): void {
  chooseModel(model);
  viewStore.setState({ dialog: null });
}

export async function removeModel(model: Model): Promise<void> {
  await attempt(async () => {
    await callCore('models.remove', { id: model.id });
    notify(model.isOwn ? 'modelDeleted' : 'modelForgotten', { name: model.name });
  });
}

export async function editModel(change: CallInput<'models.edit'>): Promise<void> {
  await attempt(async () => {
    const model = await callCore('models.edit', change);
    appStore.setState(({ models }) => ({ models: models.map((other) => (other.id === model.id ? model : other)) }));
  });
}

/** Takes a checkpoint's weights into the app's folder, which may be long. */
export async function copyModel(id: string): Promise<void> {
  if (modelLibraryStore.getState().copying.includes(id)) return;
  set(({ copying }) => ({ copying: [...copying, id] }));
  await editModel({ id, placement: 'copy' });
  set(({ copying }) => ({ copying: copying.filter((other) => other !== id) }));
}

/** The report there is, or with `again` a new one, which loads the model. */
export async function examineModel(id: string, again: boolean): Promise<void> {
  if (modelLibraryStore.getState().examining.includes(id)) return;
  set(({ examining }) => ({ examining: [...examining, id] }));
  try {
    const report = await callCore('models.doctor', { id, again });
    if (report !== null) receiveReport(report);
  } catch (error) {
    notifyFailure(toFailure(error));
  } finally {
    set(({ examining }) => ({ examining: examining.filter((other) => other !== id) }));
  }
}

/** Whether what was asked for last was refused for want of a token, or will be. */
export function wantsToken({ token, offer, problem, refusal, downloads }: ModelLibraryState): boolean {
  if (offer?.gated === true && token?.isSet === false) return true;
  return [problem, refusal, ...downloads.map(({ failure }) => failure)].some((failure) => failure?.code === 'ACCESS_DENIED');
}

/** Keeps a token, and goes on with whatever was refused without it. null forgets it. */
export async function setHubToken(token: string | null): Promise<void> {
  await attempt(async () => {
    await callCore('hub.setToken', { token });
    set({ token: await callCore('hub.token', {}) });
    if (token !== null) await goOnWithToken();
  });
}

async function goOnWithToken(): Promise<void> {
  const { at, problem, refusal, downloads } = modelLibraryStore.getState();
  const refused = downloads.filter(({ failure }) => failure?.code === 'ACCESS_DENIED');
  for (const { id } of refused) await resumeDownload(id);
  if (problem?.code === 'ACCESS_DENIED') await lookAt(at);
  else if (refusal?.code === 'ACCESS_DENIED') await takeOffer();
}
