import { createStore } from 'zustand/vanilla';
import type { InputImage } from '../../../shared/generation.ts';
import type { Picture } from '../../../shared/job.ts';
import { appStore } from './app.ts';
import { callCore } from './core.ts';
import { decodePicture, PictureError, type PictureNote, type PictureProblem } from './decodePicture.ts';
import { formStore, setForm, type FormState } from './form.ts';
import { currentModel } from './models.ts';
import { notify } from './notices.ts';
import { sidesForModel, type Sides } from './pictureSize.ts';
import { inputUrl, sendInput } from './sendInput.ts';
import { turnStage } from './stageSide.ts';

export interface InputsState {
  /** What goes on with a picture that was dropped, pasted or chosen; null: nothing. */
  readonly busy: 'reading' | 'converting' | 'sending' | null;
  /** Why the last one was not taken. */
  readonly problem: PictureProblem | null;
  /** What is to be said of the picture named by `about`. */
  readonly notes: readonly PictureNote[];
  readonly name: string | null;
  readonly about: string | null;
}

const atRest: InputsState = { busy: null, problem: null, notes: [], name: null, about: null };

export const inputsStore = createStore<InputsState>(() => atRest);

let work: AbortController | null = null;

/** Decodes a file and makes it the start picture. A newer one takes the place of one still being read. */
export async function takePictureFile(file: Blob, name: string | null): Promise<void> {
  await take(name, async (signal, onPhase) => {
    const { png, notes } = await decodePicture(file, signal, onPhase);
    onPhase('sending');
    return { image: await sendInput(png, signal), notes };
  });
}

/** Makes a picture of the library the start of the next run. */
export async function takeLibraryPicture(picture: Picture): Promise<void> {
  await take(picture.fileName, async () => {
    const image = await callCore('inputs.fromPicture', { id: picture.id }).catch((cause: unknown) => {
      throw new PictureError({ key: 'gone' }, { cause });
    });
    return { image, notes: [] };
  });
}

type Phase = 'converting' | 'sending';
type Read = (signal: AbortSignal, onPhase: (phase: Phase) => void) => Promise<{ image: InputImage; notes: readonly PictureNote[] }>;

async function take(name: string | null, read: Read): Promise<void> {
  work?.abort();
  const mine = new AbortController();
  work = mine;
  inputsStore.setState({ busy: 'reading', problem: null });
  try {
    const { image, notes } = await read(mine.signal, (busy) => {
      if (!mine.signal.aborted) inputsStore.setState({ busy });
    });
    mine.signal.throwIfAborted();
    inputsStore.setState({ ...atRest, notes, name, about: image.id });
    startFrom(image);
  } catch (error) {
    if (mine.signal.aborted) return;
    const problem: PictureProblem = error instanceof PictureError ? error.problem : { key: 'broken' };
    inputsStore.setState({ busy: null, problem });
    // The field that says so stands beside the other tabs' only.
    if (formStore.getState().task === 'text-to-image') setForm({ task: 'image-to-image' });
  } finally {
    if (work === mine) work = null;
  }
}

export function cancelTaking(): void {
  work?.abort();
  work = null;
  inputsStore.setState({ busy: null });
}

export function forgetProblem(): void {
  inputsStore.setState({ problem: null });
}

/** Turns the form to a start picture and its size, in a way that can be taken back. */
function startFrom(image: InputImage): void {
  const before = formStore.getState();
  const model = currentModel(appStore.getState(), before.modelId);
  const size = model === null ? null : sidesForModel(image, model);
  const task = before.task === 'text-to-image' ? 'image-to-image' : before.task;
  const change: Partial<FormState> = {
    task,
    image,
    // A mask belongs to one picture.
    ...(before.image?.id === image.id ? {} : { mask: null }),
    ...(size === null ? {} : { width: String(size.width), height: String(size.height) }),
  };
  setForm(change);
  // The same picture once more is no change of the form.
  turnStage('start');
  const undo = undoOf(before, change);
  notify('startTaken', { width: size?.width ?? image.width, height: size?.height ?? image.height }, undo);
}

/** A start picture could not be shown: one whose file is gone is taken out of the form, and that is said. */
export async function missPicture({ id }: InputImage): Promise<void> {
  const status = await fetch(inputUrl(id)).then((response) => response.status, () => null);
  if (status !== 404 || formStore.getState().image?.id !== id) return;
  setForm({ image: null, mask: null });
  inputsStore.setState({ problem: { key: 'gone' } });
}

export function removePicture(): void {
  const before = formStore.getState();
  const change = { image: null, mask: null };
  setForm(change);
  inputsStore.setState({ problem: null });
  notify('startRemoved', {}, undoOf(before, change));
}

/** What a start picture brings with it. */
const startFields = ['task', 'image', 'mask', 'width', 'height'] as const;

/** Takes a change back, save for what was changed again since: a tab turned to later stays, with its size. */
function undoOf(before: FormState, change: Partial<FormState>): () => void {
  return () => {
    const now = formStore.getState();
    const same = startFields.filter((field) => field in change && now[field] === change[field]);
    setForm({
      ...Object.fromEntries(same.map((field) => [field, before[field]])),
      // A mask painted since belongs to the picture that goes.
      ...(same.includes('image') ? { mask: before.mask } : {}),
    });
  };
}

/** The sides that suit the start picture and the model; null without one of them. */
export function pictureSize(form: FormState): Sides | null {
  const model = currentModel(appStore.getState(), form.modelId);
  return form.image === null || model === null ? null : sidesForModel(form.image, model);
}

export function takePictureSize(): void {
  const size = pictureSize(formStore.getState());
  if (size !== null) setForm({ width: String(size.width), height: String(size.height) });
}
