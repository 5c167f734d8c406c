import { Tooltip } from '@base-ui/react/tooltip';
import { act, cleanup, fireEvent, render, screen, within } from '@testing-library/react';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CallInput, CallOutput } from '../../../../shared/contract.ts';
import { StopbathError } from '../../../../shared/errors.ts';
import type { Download, Model, Offer } from '../../../../shared/models.ts';
import { changeLanguage, startLanguage } from '../../i18n/i18n.ts';
import { appStore } from '../../stores/app.ts';
import { formStore } from '../../stores/form.ts';
import { modelLibraryStore } from '../../stores/modelLibrary.ts';
import { viewStore } from '../../stores/view.ts';
import { fakeCore, type FakeCore } from '../../testing/fakeCore.ts';
import { download, offer, report } from '../../testing/modelSamples.ts';
import { model } from '../../testing/samples.ts';
import { DownloadRow } from './DownloadRow.tsx';
import { Findings } from './Findings.tsx';
import { HubToken } from './HubToken.tsx';
import { ModelRow } from './ModelRow.tsx';
import { ModelsDialog } from './ModelsDialog.tsx';
import { OfferCard } from './OfferCard.tsx';

beforeAll(() => startLanguage('en'));

beforeEach(() => {
  modelLibraryStore.setState(modelLibraryStore.getInitialState(), true);
  viewStore.setState(viewStore.getInitialState(), true);
  appStore.setState({ models: [model], link: 'open' });
  formStore.setState({ modelId: 'starter' });
});

afterEach(cleanup);

const own: Model = { ...model, id: 'own', name: 'Landscapes', builtIn: false, origin: 'onnx', isOwn: true, path: '/data/models/landscapes', bytes: 2e9, takesLoras: false };
const checkpoint: Model = { ...own, id: 'ckpt', name: 'Photo', origin: 'checkpoint', isOwn: false, path: '/home/me/photo.safetensors', uncertain: ['predictionType'] };

const button = (name: RegExp | string): HTMLButtonElement => screen.getByRole('button', { name });

/** Lets what core answered arrive. */
const settle = (): Promise<void> => act(async () => undefined);

describe('an offer', () => {
  const show = (change: Partial<Offer> = {}): void => {
    const shown = offer(change);
    modelLibraryStore.setState({ offer: shown, variant: shown.variants[0]?.id ?? '' });
    render(<OfferCard offer={shown} />);
  };

  it('says what is left to fetch, and what is free', () => {
    show();
    expect(button('Download 1.5 GB').disabled).toBe(false);
    expect(screen.getByText('3 GB free on the disk')).toBeDefined();
    fireEvent.click(screen.getByRole('radio', { name: /full precision/ }));
    expect(button('Download 4 GB').disabled).toBe(true);
    expect(screen.getByText('Only 3 GB free on the disk: not enough')).toBeDefined();
  });

  it('without anything usable has nothing to choose or to press, and shows why', () => {
    show({ variants: [], refused: [{ path: 'model.ckpt', reason: 'A pickle can run any program.' }] });
    expect(screen.getByText('There is nothing here that Stopbath can use.')).toBeDefined();
    expect(screen.getByText('1 file left aside').closest('details')?.open).toBe(true);
    expect(screen.queryByRole('radiogroup')).toBeNull();
    expect(screen.queryByRole('button', { name: /Download|Use it/ })).toBeNull();
  });

  it('of a path is used where it lies, whatever is free', () => {
    show({ source: { kind: 'path', path: '/home/me/photo.safetensors' }, license: null, diskFree: 0 });
    expect(button('Use it where it lies').disabled).toBe(false);
    expect(screen.queryByText(/licence|here already/)).toBeNull();
  });

  it('cannot be taken twice, and says why it was not', () => {
    show();
    act(() => modelLibraryStore.setState({ taking: true }));
    expect(button(/^Download/).disabled).toBe(true);
    act(() => modelLibraryStore.setState({ taking: false, refusal: { code: 'DISK_FULL', message: 'landscapes needs 2 GB more.', nextStep: 'Free some space.' } }));
    expect(screen.getByRole('alert').textContent).toBe('landscapes needs 2 GB more. Free some space.');
    expect(button(/^Download/).disabled).toBe(false);
  });
});

describe('an offer whose file has no place for graphs', () => {
  const source = { kind: 'path', path: '/mnt/photo.safetensors' } as const;
  const noPlace = new StopbathError({ code: 'NO_PLACE', message: 'Photo lies on another disk.', nextStep: 'Let it be copied.' });
  const show = async (add: (input: CallInput<'models.add'>) => CallOutput<'models.add'>): Promise<FakeCore> => {
    const shown = offer({ source, title: 'Photo' });
    modelLibraryStore.setState({ offer: shown, variant: 'fp16' });
    const core = fakeCore({ 'models.add': add });
    render(<OfferCard offer={shown} />);
    expect(screen.queryByRole('button', { name: /Copy/ })).toBeNull();
    fireEvent.click(button('Use it where it lies'));
    await settle();
    return core;
  };

  it('can be copied, and says what that takes; while it is copied it says so', async () => {
    let answer: (value: CallOutput<'models.add'>) => void = () => undefined;
    const { asked } = await show(({ placement }) => {
      if (placement === 'copy') return new Promise((resolve) => (answer = resolve)) as never;
      throw noPlace;
    });
    expect(screen.getByRole('alert').textContent).toBe('Photo lies on another disk. Let it be copied.');
    const copy = button("Copy into Stopbath's folder (2 GB)");
    expect(screen.getByRole('status').textContent).toBe('The file stays where it is, and is still looked for there.');
    fireEvent.click(copy);
    expect([copy.disabled, screen.getByRole('status').textContent, screen.queryByRole('alert')]).toEqual([true, "Being copied into Stopbath's folder…", null]);
    expect(asked.map(({ input }) => input)).toEqual([{ source, variant: 'fp16' }, { source, variant: 'fp16', placement: 'copy' }]);
    answer({ modelId: 'photo', downloadId: null });
    await settle();
    expect(modelLibraryStore.getState()).toMatchObject({ offer: null, taking: false });
  });

  it('without room for the copy can be copied again later, and not for another variant', async () => {
    await show(({ placement }) => {
      throw placement === 'copy' ? new StopbathError({ code: 'DISK_FULL', message: 'A copy of Photo takes 2 GB.', nextStep: 'Free some space.' }) : noPlace;
    });
    fireEvent.click(button(/^Copy into/));
    await settle();
    expect(screen.getByRole('alert').textContent).toBe('A copy of Photo takes 2 GB. Free some space.');
    expect(button(/^Copy into/).disabled).toBe(false);
    fireEvent.click(screen.getByRole('radio', { name: /full precision/ }));
    expect(screen.queryByRole('button', { name: /^Copy into/ })).toBeNull();
  });
});

describe('a download', () => {
  let core: FakeCore;
  const show = (change: Partial<Download>): void => {
    core = fakeCore({ 'downloads.pause': () => ({}), 'downloads.resume': () => ({}), 'downloads.cancel': () => ({}), 'downloads.list': () => [] });
    render(<DownloadRow download={download(change)} />);
  };
  const asked = (): string[] => core.asked.map(({ name }) => name);

  it('that runs tells amount, speed and time left, and can be paused', () => {
    show({});
    expect(screen.getByText('500 MB of 2 GB · 10 MB/s · 2 min 30 s left')).toBeDefined();
    expect(screen.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('25');
    fireEvent.click(button('Pause landscapes'));
    expect(asked()).toEqual(['downloads.pause']);
  });

  it.each([
    ['waiting', 'Waiting · 500 MB of 2 GB', 'Pause landscapes'],
    ['checking', 'Checking · 500 MB of 2 GB', 'Pause landscapes'],
    ['paused', 'Paused · 500 MB of 2 GB', 'Resume landscapes'],
    ['failed', 'Broken off · 500 MB of 2 GB', 'Try landscapes again'],
  ] as const)('that is %s says so', (state, text, action) => {
    show({ state, bytesPerSecond: 0 });
    expect(screen.getByText(text)).toBeDefined();
    expect(button(action)).toBeDefined();
  });

  it('that failed says why and what to do, aloud; one that waits says why quietly', () => {
    const failure = { code: 'DOWNLOAD', message: 'unet/model.onnx came damaged.', nextStep: 'Resume: it is fetched again.' } as const;
    show({ state: 'failed', failure });
    expect(screen.getByRole('alert').textContent).toBe('unet/model.onnx came damaged. Resume: it is fetched again.');
    cleanup();
    show({ state: 'waiting', failure: { code: 'OFFLINE', message: 'Stopbath is offline.', nextStep: 'Switch it off.' } });
    expect(screen.queryByRole('alert')).toBeNull();
    expect(screen.getByText(/Stopbath is offline. Switch it off./)).toBeDefined();
  });

  it('asks before what was fetched is deleted', () => {
    show({ state: 'paused' });
    fireEvent.click(button('Cancel landscapes and delete what was fetched'));
    expect(asked()).toEqual([]);
    const ask = screen.getByRole('alertdialog');
    expect(ask.textContent).toContain('500 MB');
    expect(document.activeElement?.textContent).toBe('Keep it');
    fireEvent.keyDown(ask, { key: 'Escape' });
    expect(screen.queryByRole('alertdialog')).toBeNull();
    fireEvent.click(button('Cancel landscapes and delete what was fetched'));
    fireEvent.click(button('Cancel and delete'));
    expect(asked()).toEqual(['downloads.cancel']);
  });

  it('that has nothing yet is cancelled at once', () => {
    show({ state: 'waiting', bytesDone: 0 });
    fireEvent.click(button('Cancel landscapes and delete what was fetched'));
    expect(asked()).toEqual(['downloads.cancel']);
  });
});

describe('a model', () => {
  it('that is built in or in use cannot be removed or used again', () => {
    render(<ModelRow model={model} />);
    expect(screen.getAllByRole('button').map((one) => one.getAttribute('aria-label'))).toEqual(['Details of Starter']);
    expect(screen.getByText('In use')).toBeDefined();
  });

  it('is removed after a question that says what is lost', async () => {
    const { asked } = fakeCore({ 'models.remove': () => ({ freedBytes: 2e9 }) });
    render(<ModelRow model={own} />);
    fireEvent.click(button('Delete Landscapes'));
    expect(asked).toEqual([]);
    expect(screen.getByRole('alertdialog').textContent).toContain('Delete its files? This frees 2 GB.');
    fireEvent.click(button('Keep it'));
    expect(document.activeElement).toBe(button('Delete Landscapes'));
    fireEvent.click(button('Delete Landscapes'));
    fireEvent.click(button('Delete'));
    await settle();
    expect(asked).toEqual([{ name: 'models.remove', input: { id: 'own' } }]);
  });

  it('of somebody’s own files is only taken from the list', () => {
    render(<ModelRow model={checkpoint} />);
    fireEvent.click(button('Take Photo from the list'));
    expect(screen.getByRole('alertdialog').textContent).toContain('/home/me/photo.safetensors');
    expect(button('Take from the list')).toBeDefined();
  });

  it('that cannot be used says why, and offers no use', () => {
    render(<ModelRow model={{ ...own, problem: { code: 'MODEL_NOT_FOUND', message: 'Its folder is gone.', nextStep: 'Put it back.' } }} />);
    expect(screen.getByText(/Its folder is gone. Put it back./)).toBeDefined();
    expect(screen.queryByRole('button', { name: 'Use Landscapes' })).toBeNull();
  });

  it('is told its prediction type where its file does not say it', async () => {
    const { asked } = fakeCore({ 'models.doctor': () => null, 'models.edit': () => ({ ...checkpoint, predictionType: 'v_prediction', uncertain: [] }) });
    render(<ModelRow model={checkpoint} />);
    fireEvent.click(button('Details of Photo'));
    expect(screen.getByText(/If pictures come out as grey noise/)).toBeDefined();
    fireEvent.change(screen.getByLabelText('Prediction'), { target: { value: 'v_prediction' } });
    await settle();
    expect(asked.at(-1)).toEqual({ name: 'models.edit', input: { id: 'ckpt', predictionType: 'v_prediction' } });
    cleanup();
    render(<ModelRow model={own} />);
    fireEvent.click(button('Details of Landscapes'));
    expect(screen.queryByLabelText('Prediction')).toBeNull();
    await settle();
  });
});

describe('a checkpoint on another disk', () => {
  const beside: Model = { ...checkpoint, graphs: 'beside', uncertain: [] };
  const copied: Model = { ...beside, graphs: 'copied' };
  /** A core that copies until it is told that it is done. */
  const slowCore = (): { core: FakeCore; done: () => void } => {
    const going = Promise.withResolvers<Model>();
    return { core: fakeCore({ 'models.doctor': () => null, 'models.edit': () => going.promise as never }), done: () => going.resolve(copied) };
  };

  it('says where its graphs are, is copied from its details, says so meanwhile, and keeps the focus', async () => {
    appStore.setState({ models: [beside] });
    const { core, done } = slowCore();
    const { rerender } = render(<ModelRow model={beside} />);
    expect(screen.getByText(/graphs in \.stopbath beside it/)).toBeDefined();
    fireEvent.click(button('Details of Photo'));
    fireEvent.click(button("Copy into Stopbath's folder (2 GB): Photo"));
    expect([button(/^Copy into/).disabled, screen.getByRole('status').textContent]).toEqual([true, "Being copied into Stopbath's folder…"]);
    expect(core.asked.at(-1)).toEqual({ name: 'models.edit', input: { id: 'ckpt', placement: 'copy' } });
    done();
    await settle();
    rerender(<ModelRow model={appStore.getState().models[0] ?? beside} />);
    expect(screen.getByText(/copied into Stopbath's folder/)).toBeDefined();
    expect([screen.queryByRole('button', { name: /^Copy into/ }), screen.getByRole('status').textContent]).toEqual([null, '']);
    expect(document.activeElement).toBe(button('Details of Photo'));
  });

  it('that has lost its place offers the copy in place of its use', async () => {
    const { core } = slowCore();
    render(<ModelRow model={{ ...beside, problem: { code: 'NO_PLACE', message: 'It has no place.', nextStep: 'Let it be copied.' } }} />);
    expect(screen.queryByRole('button', { name: 'Use Photo' })).toBeNull();
    fireEvent.click(button(/^Copy into/));
    await settle();
    expect(core.asked).toEqual([{ name: 'models.edit', input: { id: 'ckpt', placement: 'copy' } }]);
  });

  it('in the app’s folder says and offers nothing of it', async () => {
    fakeCore({ 'models.doctor': () => null });
    render(<ModelRow model={{ ...checkpoint, graphs: 'store' }} />);
    fireEvent.click(button('Details of Photo'));
    expect(screen.queryByText(/\.stopbath|copied/)).toBeNull();
    expect(screen.queryByRole('button', { name: /^Copy into/ })).toBeNull();
    await settle();
  });
});

describe('what the doctor found', () => {
  const severities = (): (string | null | undefined)[] => within(screen.getByTestId('doctor')).getAllByRole('listitem').map((item) => item.querySelector('[title]')?.getAttribute('title'));

  afterEach(() => changeLanguage('en'));

  it('stands with the worst first, and with what to do', () => {
    render(<Findings report={report('m', { usable: false })} />);
    expect(severities()).toEqual(['Problem', 'Warning', 'Note', 'Fine']);
    expect(screen.getByText('It cannot be used as it is.')).toBeDefined();
    expect(screen.getByText('Copy or download this file again.')).toBeDefined();
    expect(screen.getByText('text_encoder')).toBeDefined();
  });

  it('has Chinese sentences, and core’s own words for the names and numbers', async () => {
    await changeLanguage('zh-CN');
    render(<Findings report={report('m', { usable: false })} />);
    const [worst] = screen.getAllByRole('listitem');
    expect(worst?.textContent).toContain('数据文件不完整。');
    expect(worst?.textContent).toContain('请重新复制或下载该文件。');
    expect(worst?.querySelector('[lang="en"]')?.textContent).toBe('unet/model.onnx_data is cut off: it has 5 bytes of at least 9.');
    expect(screen.getAllByRole('listitem').at(-1)?.querySelector('[lang="en"]')).toBeNull();
  });
});

describe('the token', () => {
  it('has a field only where it is wanted or asked for, and never shows what it has', () => {
    modelLibraryStore.setState({ token: { isSet: false, isSafe: true } });
    render(<HubToken />);
    expect(screen.queryByLabelText('Hugging Face token')).toBeNull();
    act(() => modelLibraryStore.setState({ problem: { code: 'ACCESS_DENIED', message: 'No.' } }));
    const field = screen.getByLabelText('Hugging Face token');
    expect(field.getAttribute('type')).toBe('password');
    expect(button('Keep').disabled).toBe(true);
    expect(screen.getByText('Kept encrypted by the system, sent to Hugging Face only.')).toBeDefined();
  });

  it('is sent on Enter, and not with the form around it', async () => {
    const { asked } = fakeCore({ 'hub.setToken': () => ({}), 'hub.token': () => ({ isSet: true, isSafe: false }) });
    let submitted = 0;
    modelLibraryStore.setState({ token: { isSet: false, isSafe: false } });
    render(
      <form onSubmit={() => submitted++}>
        <HubToken />
      </form>,
    );
    fireEvent.click(button('Access token…'));
    const field = screen.getByLabelText('Hugging Face token');
    expect(document.activeElement).toBe(field);
    fireEvent.change(field, { target: { value: ' hf_abc ' } });
    // False: what the browser would do was prevented.
    expect(fireEvent.keyDown(field, { key: 'Enter' })).toBe(false);
    await settle();
    expect(asked[0]).toEqual({ name: 'hub.setToken', input: { token: 'hf_abc' } });
    expect(submitted).toBe(0);
    expect(button('Access token is set…')).toBeDefined();
  });
});

describe('the dialog', () => {
  it('reads what there is when it opens, and begins at the address', async () => {
    const { asked } = fakeCore({ 'downloads.list': () => [download()], 'models.known': () => [], 'hub.token': () => ({ isSet: false, isSafe: true }), 'models.list': () => [model, own] });
    render(
      <Tooltip.Provider>
        <ModelsDialog />
      </Tooltip.Provider>,
    );
    expect(asked).toEqual([]);
    act(() => viewStore.setState({ dialog: 'models' }));
    await settle();
    expect(asked.map(({ name }) => name).toSorted()).toEqual(['downloads.list', 'hub.token', 'models.known', 'models.list']);
    expect(screen.getAllByTestId('model')).toHaveLength(2);
    expect(screen.getAllByTestId('download')).toHaveLength(1);
    await act(() => new Promise((done) => setTimeout(done, 50)));
    expect(document.activeElement?.id).toBe('models-at');
  });
});
