import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fakeCore } from '../testing/fakeCore.ts';
import { model, picture } from '../testing/samples.ts';
import { appStore } from './app.ts';
import { formForModel, formStore, initialForm, setForm } from './form.ts';
import { cancelTaking, inputsStore, missPicture, removePicture, takeLibraryPicture, takePictureFile } from './inputs.ts';
import { noticesStore, notify, settleNotices } from './notices.ts';
import { stageSideStore, turnStage } from './stageSide.ts';

const image = { id: 'a'.repeat(64), width: 300, height: 200 };
const other = { id: 'b'.repeat(64), width: 128, height: 128 };

beforeEach(() => {
  appStore.setState({ models: [model], ready: true });
  formStore.setState({ ...initialForm, ...formForModel(model) }, true);
  inputsStore.setState(inputsStore.getInitialState(), true);
  noticesStore.setState({ notices: [] });
});

afterEach(() => vi.unstubAllGlobals());

describe('a picture to start from', () => {
  it('brings its tab and its size, and can be taken back with both', async () => {
    fakeCore({ 'inputs.fromPicture': () => image });
    await takeLibraryPicture(picture('p'));
    // 300 x 200 is beyond what a model made for 128 x 128 draws well.
    expect(formStore.getState()).toMatchObject({ task: 'image-to-image', image, width: '152', height: '104' });
    expect(inputsStore.getState()).toMatchObject({ name: 'p.png', about: image.id });
    noticesStore.getState().notices[0]?.undo?.();
    expect(formStore.getState()).toMatchObject({ task: 'text-to-image', image: null, width: '128', height: '128' });
  });

  it('is taken back without what was changed since', async () => {
    fakeCore({ 'inputs.fromPicture': () => image });
    await takeLibraryPicture(picture('p'));
    const undo = noticesStore.getState().notices[0]?.undo;
    setForm({ task: 'inpaint', width: '96', mask: other });
    undo?.();
    expect(formStore.getState()).toMatchObject({ task: 'inpaint', image: null, mask: null, width: '96', height: '128' });
  });

  it('taken in place of another leaves one notice, and none once the mask is painted', async () => {
    fakeCore({ 'inputs.fromPicture': () => image });
    await takeLibraryPicture(picture('p'));
    notify('deleted', {}, () => undefined);
    removePicture();
    await takeLibraryPicture(picture('q'));
    const keys = (): unknown[] => noticesStore.getState().notices.map(({ text }) => (text.kind === 'message' ? text.key : null));
    expect(keys()).toEqual(['deleted', 'startTaken']);
    settleNotices();
    expect(keys()).toEqual(['deleted']);
  });

  it('leaves the tab where a picture is wanted, and the mask with the picture it was painted for', async () => {
    setForm({ task: 'inpaint', image, mask: other });
    fakeCore({ 'inputs.fromPicture': () => image });
    await takeLibraryPicture(picture('p'));
    expect(formStore.getState()).toMatchObject({ task: 'inpaint', mask: other });
    fakeCore({ 'inputs.fromPicture': () => other });
    await takeLibraryPicture(picture('q'));
    expect(formStore.getState()).toMatchObject({ image: other, mask: null });
  });

  it('that is gone, or is none, says so and changes nothing but the tab that says it', async () => {
    setForm({ image });
    fakeCore();
    await takeLibraryPicture(picture('p'));
    expect(inputsStore.getState().problem).toEqual({ key: 'gone' });
    await takePictureFile(new Blob(['no picture']), 'x.txt');
    expect(inputsStore.getState().problem).toEqual({ key: 'notPicture' });
    expect(formStore.getState()).toMatchObject({ task: 'image-to-image', image, width: '128' });
  });

  it('that is too large is refused before it is decoded', async () => {
    const decode = vi.fn();
    vi.stubGlobal('createImageBitmap', decode);
    const header = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 0, 0x4e, 0x20, 0, 0, 0, 9, 8, 2, 0);
    await takePictureFile(new Blob([header]), 'wide.png');
    expect(inputsStore.getState().problem).toEqual({ key: 'tooLarge', width: 20_000, height: 9 });
    expect(decode).not.toHaveBeenCalled();
  });

  it('that is cancelled is not taken when it comes after all', async () => {
    let answer: (value: typeof image) => void = () => undefined;
    fakeCore({ 'inputs.fromPicture': () => new Promise((resolve) => (answer = resolve)) as never });
    const taking = takeLibraryPicture(picture('p'));
    expect(inputsStore.getState().busy).toBe('reading');
    cancelTaking();
    answer(image);
    await taking;
    expect(formStore.getState().image).toBeNull();
    expect(inputsStore.getState().busy).toBeNull();
  });

  it('whose file is gone leaves the form, and one that only could not be reached stays', async () => {
    setForm({ task: 'inpaint', image, mask: other });
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('offline')));
    await missPicture(image);
    expect(formStore.getState()).toMatchObject({ image, mask: other });
    vi.stubGlobal('fetch', () => Promise.resolve(new Response('', { status: 404 })));
    await missPicture(other);
    expect(formStore.getState()).toMatchObject({ image });
    await missPicture(image);
    expect(formStore.getState()).toMatchObject({ image: null, mask: null });
    expect(inputsStore.getState().problem).toEqual({ key: 'gone' });
  });

  it('taken once more is shown again', async () => {
    fakeCore({ 'inputs.fromPicture': () => image });
    await takeLibraryPicture(picture('p'));
    turnStage('result');
    await takeLibraryPicture(picture('p'));
    expect(stageSideStore.getState().side).toBe('start');
  });

  it('is removed with its mask, and both come back', () => {
    setForm({ task: 'inpaint', image, mask: other });
    removePicture();
    expect(formStore.getState()).toMatchObject({ image: null, mask: null });
    noticesStore.getState().notices[0]?.undo?.();
    expect(formStore.getState()).toMatchObject({ image, mask: other });
  });
});
