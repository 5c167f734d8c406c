import { createStore } from 'zustand/vanilla';
import { StopbathError } from '../../../shared/errors.ts';
import type { InputImage } from '../../../shared/generation.ts';
import { download } from './download.ts';
import { formStore, setForm, type FormState } from './form.ts';
import { encodeGreyPng } from './greyPng.ts';
import { currentMask, maskStore, openMask, rasterOf, replaceMask } from './mask.ts';
import { createMaskRaster, type MaskRaster } from './maskRaster.ts';
import { firstBrushSize, setMaskTools } from './maskTools.ts';
import { notify } from './notices.ts';
import { inputUrl, sendInput } from './sendInput.ts';

/** A picture that was to be the mask but has other sides than the start picture; it can be scaled. */
export interface MaskImport {
  readonly problem: 'notPicture' | 'sides' | null;
  readonly waiting: ImageBitmap | null;
}

const nothingToImport: MaskImport = { problem: null, waiting: null };

export const maskImportStore = createStore<MaskImport>(() => nothingToImport);

const saveRestMs = 600;

/** What the mask in memory stands for: the form's picture and the id it is stored under. */
let openFor: { readonly imageId: string; readonly maskId: string | null } | null = null;
let savedRevision = 0;
let saving: Promise<void> | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
let loads = 0;

/** Ties the mask in memory to the one the form names: a restart or old settings bring theirs, what is painted is stored. */
export function watchMask(): () => void {
  const follow = (form: FormState): void => {
    if (form.task !== 'inpaint' && openFor === null) return;
    const maskId = form.mask?.id ?? null;
    if (form.image === null) {
      if (openFor !== null) open(null, null);
    } else if (openFor?.imageId !== form.image.id || openFor.maskId !== maskId) void load(form.image, form.mask);
  };
  follow(formStore.getState());
  const stops = [
    formStore.subscribe(follow),
    maskStore.subscribe(({ revision }) => {
      if (revision === savedRevision) return;
      clearTimeout(timer);
      // A failed save is tried again with the next stroke and before a run at the latest.
      timer = setTimeout(() => void save().catch(() => undefined), saveRestMs);
    }),
  ];
  return () => {
    clearTimeout(timer);
    for (const stop of stops) stop();
  };
}

function open(raster: MaskRaster | null, tie: typeof openFor): void {
  openFor = tie;
  clearTimeout(timer);
  maskImportStore.setState(nothingToImport);
  // Known before the store tells: this very revision is the stored one.
  savedRevision = maskStore.getState().revision + 1;
  openMask(raster);
}

async function load(image: InputImage, mask: InputImage | null): Promise<void> {
  const mine = ++loads;
  const isNewPicture = openFor?.imageId !== image.id;
  const tie = { imageId: image.id, maskId: mask?.id ?? null };
  if (isNewPicture) setMaskTools({ size: firstBrushSize(image.width, image.height) });
  if (mask === null) {
    open(createMaskRaster(image.width, image.height), tie);
    return;
  }
  open(null, tie);
  maskStore.setState({ loading: true });
  try {
    const response = await fetch(inputUrl(mask.id));
    if (!response.ok) throw new Error(String(response.status));
    const raster = await decodeMask(await response.blob());
    if (mine === loads && openFor === tie) open(raster, tie);
  } catch {
    if (mine !== loads || openFor !== tie) return;
    // The file is gone or unreadable: the picture can be masked anew.
    setForm({ mask: null });
  }
}

async function decodeMask(blob: Blob): Promise<MaskRaster> {
  // Values, not colours: nothing may be converted.
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: 'none' });
  try {
    return await rasterOf(bitmap);
  } finally {
    bitmap.close();
  }
}

/** Stores what is painted and names it in the form; an empty mask is none. */
async function save(): Promise<void> {
  clearTimeout(timer);
  await saving?.catch(() => undefined);
  const raster = currentMask();
  const { revision, bounds } = maskStore.getState();
  const tie = openFor;
  if (raster === null || tie === null || revision === savedRevision) return;
  saving = (async () => {
    const mask = bounds === null ? null : await sendInput(await encodeGreyPng(raster));
    // Meanwhile another picture may have been opened; a newer stroke is saved by the next round.
    if (openFor !== tie) return;
    savedRevision = revision;
    openFor = { imageId: tie.imageId, maskId: mask?.id ?? null };
    setForm({ mask });
  })();
  try {
    await saving;
  } finally {
    saving = null;
  }
}

/**
 * Resolves when the form names the mask as it is painted now; call it before a run is sent.
 * @throws StopbathError when the mask could not be stored.
 */
export async function settleMask(): Promise<void> {
  try {
    while (openFor !== null && maskStore.getState().revision !== savedRevision) await save();
  } catch (cause) {
    throw new StopbathError(
      { code: 'FILE_ACCESS', message: 'The mask could not be stored.', nextStep: 'Wait for the connection to come back, then generate again.' },
      { cause },
    );
  }
}

/** Takes the brightness of a picture as the mask; one with other sides waits for the question whether to scale it. */
export async function importMask(file: Blob): Promise<void> {
  dismissMaskImport();
  const sides = maskStore.getState().sides;
  if (sides === null) return;
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch {
    maskImportStore.setState({ problem: 'notPicture', waiting: null });
    return;
  }
  if (bitmap.width === sides.width && bitmap.height === sides.height) await takeAsMask(bitmap);
  else maskImportStore.setState({ problem: 'sides', waiting: bitmap });
}

export async function scaleMaskImport(): Promise<void> {
  const { waiting } = maskImportStore.getState();
  const sides = maskStore.getState().sides;
  if (waiting === null || sides === null) return;
  maskImportStore.setState(nothingToImport);
  const scaled = await createImageBitmap(waiting, { resizeWidth: sides.width, resizeHeight: sides.height, resizeQuality: 'high' });
  waiting.close();
  await takeAsMask(scaled);
}

export function dismissMaskImport(): void {
  maskImportStore.getState().waiting?.close();
  maskImportStore.setState(nothingToImport);
}

async function takeAsMask(bitmap: ImageBitmap): Promise<void> {
  const raster = await rasterOf(bitmap);
  bitmap.close();
  const now = currentMask();
  if (now?.width === raster.width && now.height === raster.height) replaceMask(raster);
}

export async function exportMask(): Promise<void> {
  const raster = currentMask();
  if (raster === null) return;
  const url = URL.createObjectURL(await encodeGreyPng(raster));
  download(url, 'mask.png');
  // The download has begun by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  notify('saved');
}
