import { toFailure } from '../../../shared/errors.ts';
import type { GenerationRequest } from '../../../shared/generation.ts';
import type { Picture } from '../../../shared/job.ts';
import { appStore } from './app.ts';
import { callCore } from './core.ts';
import { copyPng, download } from './download.ts';
import { formStore, setForm } from './form.ts';
import { formFromRequest } from './formRequest.ts';
import { libraryStore, withPage } from './library.ts';
import { jobsStore } from './jobs.ts';
import { settleModel } from './models.ts';
import { notify, notifyFailure } from './notices.ts';
import { seedOf } from './pictureFacts.ts';
import { takeCallbacks } from './userCallbacks.ts';
import { showPicture, shownJob, shownPicture, viewStore } from './view.ts';

const pageSize = 60;

export async function readLibrary(from: 'start' | 'end'): Promise<void> {
  const { next } = libraryStore.getState();
  if (from === 'end' && next === null) return;
  libraryStore.setState({ loading: true });
  try {
    const page = await callCore('library.list', { before: from === 'start' ? null : next, limit: pageSize });
    libraryStore.setState((state) => withPage(state, page, from));
  } catch {
    libraryStore.setState({ loading: false, failed: true });
  }
}

export async function savePicture(picture: Picture): Promise<void> {
  if (appStore.getState().info?.host !== 'electron') {
    download(picture.url, picture.fileName);
    return;
  }
  try {
    const { saved } = await callCore('library.saveAs', { id: picture.id });
    if (saved) notify('saved');
  } catch (error) {
    notifyFailure(toFailure(error));
  }
}

export async function copyPicture(picture: Picture): Promise<void> {
  try {
    await copyPng(picture.url);
    notify('copied');
  } catch {
    notify('copyFailed');
  }
}

export async function revealPicture(picture: Picture): Promise<void> {
  try {
    await callCore('library.reveal', { id: picture.id });
  } catch (error) {
    notifyFailure(toFailure(error));
  }
}

export async function deletePicture(picture: Picture): Promise<void> {
  try {
    await callCore('library.remove', { id: picture.id });
    notify('deleted', {}, () => void restorePicture(picture));
  } catch (error) {
    notifyFailure(toFailure(error));
  }
}

async function restorePicture(picture: Picture): Promise<void> {
  try {
    showPicture(await callCore('library.restore', { id: picture.id }));
  } catch (error) {
    notifyFailure(toFailure(error));
  }
}

export function pictureInCanvas(): Picture | null {
  const view = viewStore.getState();
  return shownPicture(view, shownJob(view, jobsStore.getState()));
}

export function takeSeedOf(picture: Picture): void {
  const seed = seedOf(picture);
  setForm({ seed, randomSeed: false });
  notify('seedTaken', { seed });
}

export function takeSettingsOf(request: GenerationRequest): void {
  const before = formStore.getState();
  setForm({ ...formFromRequest(request), callbacks: takeCallbacks(before.callbacks, request.callbacks) });
  settleModel(appStore.getState().models);
  const count = request.steering.length;
  if (count === 0) notify('settingsTaken', {}, () => setForm(before));
  else notify('steeringTaken', { count }, () => setForm(before));
}
