import { beforeEach, describe, expect, it } from 'vitest';
import { StopbathError, type ErrorCode } from '../../../shared/errors.ts';
import type { Offer } from '../../../shared/models.ts';
import { fakeCore } from '../testing/fakeCore.ts';
import { download, offer, report } from '../testing/modelSamples.ts';
import { model } from '../testing/samples.ts';
import { appStore } from './app.ts';
import { setConnection } from './core.ts';
import { closeOffer, editModel, examineModel, lookAt, modelLibraryStore, receiveDownload, setHubToken, takeOffer, typeAddress, wantsToken } from './modelLibrary.ts';
import { noticesStore } from './notices.ts';

const state = modelLibraryStore.getState;

beforeEach(() => {
  modelLibraryStore.setState(modelLibraryStore.getInitialState(), true);
  appStore.setState({ models: [] });
  noticesStore.setState(noticesStore.getInitialState(), true);
});

/** A core whose answers to looks are given by hand, in any order. */
function slowLooks(): ((answer: Offer | StopbathError) => void)[] {
  const answers: ((answer: Offer | StopbathError) => void)[] = [];
  setConnection({
    call: (name) =>
      new Promise((resolve, reject) => {
        if (name === 'models.look') answers.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer as never)));
        else reject(new Error(`No answer for ${name}`));
      }),
    onEvent: () => () => undefined,
  });
  return answers;
}

const refusal = (code: ErrorCode): StopbathError => new StopbathError({ code, message: 'No.', nextStep: 'Else.' });

describe('looking at an address', () => {
  it('keeps the answer to the newest question, whichever comes last', async () => {
    const answers = slowLooks();
    const looks = [lookAt('a/old'), lookAt('b/new')];
    answers[1]?.(offer({ title: 'new' }));
    answers[0]?.(offer({ title: 'old' }));
    await Promise.all(looks);
    expect(state()).toMatchObject({ looking: false, at: 'b/new', variant: 'fp16', problem: null });
    expect(state().offer?.title).toBe('new');
  });

  it('drops a late refusal, and any answer once the offer was closed', async () => {
    const answers = slowLooks();
    const looks = [lookAt('a/old'), lookAt('b/new')];
    answers[0]?.(refusal('NOT_FOUND'));
    closeOffer();
    answers[1]?.(offer());
    await Promise.all(looks);
    expect(state()).toMatchObject({ looking: false, offer: null, problem: null });
  });

  it('says why nothing was found, until something else is typed', async () => {
    const answers = slowLooks();
    const look = lookAt('no/such');
    answers[0]?.(refusal('NOT_FOUND'));
    await look;
    expect(state().problem?.code).toBe('NOT_FOUND');
    typeAddress('no/suc');
    expect(state().problem).toBeNull();
  });

  it('chooses no variant where there is none', async () => {
    fakeCore({ 'models.look': () => offer({ variants: [] }) });
    await lookAt('someone/pickle');
    expect(state().variant).toBe('');
    const { asked } = fakeCore();
    await takeOffer();
    expect(asked).toEqual([]);
  });
});

describe('taking an offer', () => {
  it('asks once, however often the button is pressed, and clears the field', async () => {
    modelLibraryStore.setState({ at: 'x/y', offer: offer(), variant: 'fp32' });
    const { asked } = fakeCore({ 'models.add': () => ({ modelId: null, downloadId: 'd' }), 'downloads.list': () => [download()] });
    await Promise.all([takeOffer(), takeOffer()]);
    expect(asked).toEqual([
      { name: 'models.add', input: { source: offer().source, variant: 'fp32' } },
      { name: 'downloads.list', input: {} },
    ]);
    expect(state()).toMatchObject({ offer: null, at: '', taking: false });
    expect(state().downloads).toHaveLength(1);
  });

  it('keeps the offer and says why when it is refused', async () => {
    modelLibraryStore.setState({ offer: offer(), variant: 'fp16' });
    fakeCore({
      'models.add': () => {
        throw refusal('DISK_FULL');
      },
    });
    await takeOffer();
    expect(state()).toMatchObject({ taking: false, problem: null, refusal: { code: 'DISK_FULL' } });
    expect(state().offer).not.toBeNull();
  });
});

describe('downloads', () => {
  it('keep their place while they go on, and leave when they are done', () => {
    for (const id of ['a', 'b', 'c']) receiveDownload(download({ id }));
    receiveDownload(download({ id: 'a', bytesDone: 7e8 }));
    expect(state().downloads.map(({ id, bytesDone }) => [id, bytesDone])).toEqual([
      ['a', 7e8],
      ['b', 5e8],
      ['c', 5e8],
    ]);
    receiveDownload(download({ id: 'b', state: 'done' }));
    expect(state().downloads.map(({ id }) => id)).toEqual(['a', 'c']);
  });
});

describe('the token', () => {
  const denied = { code: 'ACCESS_DENIED', message: 'No.' } as const;

  it('is wanted by a refusal, and by a gated offer while there is none', () => {
    const token = { isSet: false, isSafe: false };
    const nothing = { ...modelLibraryStore.getInitialState(), token };
    expect(wantsToken(nothing)).toBe(false);
    expect(wantsToken({ ...nothing, offer: offer({ gated: true }) })).toBe(true);
    expect(wantsToken({ ...nothing, offer: offer({ gated: true }), token: { ...token, isSet: true } })).toBe(false);
    expect(wantsToken({ ...nothing, problem: denied })).toBe(true);
    expect(wantsToken({ ...nothing, refusal: denied })).toBe(true);
    expect(wantsToken({ ...nothing, downloads: [download({ state: 'failed', failure: denied })] })).toBe(true);
    expect(wantsToken({ ...nothing, downloads: [download({ state: 'failed', failure: { code: 'DOWNLOAD', message: '' } })] })).toBe(false);
  });

  it('goes on with what was refused without it', async () => {
    modelLibraryStore.setState({ at: 'x/gated', problem: denied, downloads: [download({ id: 'no', state: 'failed', failure: denied }), download({ id: 'other', state: 'paused' })] });
    const { asked } = fakeCore({
      'hub.setToken': () => ({}),
      'hub.token': () => ({ isSet: true, isSafe: true }),
      'downloads.resume': () => ({}),
      'downloads.list': () => [],
      'models.look': () => offer({ gated: true }),
    });
    await setHubToken('hf_1');
    expect(asked.map(({ name, input }) => [name, input])).toEqual([
      ['hub.setToken', { token: 'hf_1' }],
      ['hub.token', {}],
      ['downloads.resume', { id: 'no' }],
      ['downloads.list', {}],
      ['models.look', { at: 'x/gated' }],
    ]);
    expect(state()).toMatchObject({ problem: null, token: { isSet: true } });
  });

  it('is only forgotten, when it is', async () => {
    modelLibraryStore.setState({ at: 'x/gated', problem: denied });
    const { asked } = fakeCore({ 'hub.setToken': () => ({}), 'hub.token': () => ({ isSet: false, isSafe: true }) });
    await setHubToken(null);
    expect(asked.map(({ name }) => name)).toEqual(['hub.setToken', 'hub.token']);
  });
});

describe('a model', () => {
  it('takes its new prediction type into the list', async () => {
    appStore.setState({ models: [model, { ...model, id: 'ckpt' }] });
    fakeCore({ 'models.edit': ({ predictionType }) => ({ ...model, id: 'ckpt', predictionType: predictionType ?? null }) });
    await editModel({ id: 'ckpt', predictionType: 'v_prediction' });
    expect(appStore.getState().models.map(({ predictionType }) => predictionType)).toEqual(['epsilon', 'v_prediction']);
  });

  it('is examined once at a time; what goes wrong is told and ends it', async () => {
    const { asked } = fakeCore({ 'models.doctor': ({ id }) => report(id) });
    await Promise.all([examineModel('m', true), examineModel('m', true)]);
    expect(asked).toHaveLength(1);
    expect(state().reports['m']?.findings).toHaveLength(4);
    fakeCore();
    await examineModel('m', true);
    expect(state().examining).toEqual([]);
    expect(noticesStore.getState().notices).toHaveLength(1);
  });
});
