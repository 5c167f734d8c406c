import { Tooltip } from '@base-ui/react/tooltip';
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { defaultSettings, type Settings } from '../../../../shared/contract.ts';
import { StopbathError } from '../../../../shared/errors.ts';
import { startLanguage } from '../../i18n/i18n.ts';
import { appStore } from '../../stores/app.ts';
import { settingsStore } from '../../stores/settings.ts';
import { viewStore } from '../../stores/view.ts';
import { fakeCore, type FakeCore } from '../../testing/fakeCore.ts';
import { SettingsDialog } from './SettingsDialog.tsx';

beforeAll(() => startLanguage('en'));

let core: FakeCore;

beforeEach(() => {
  settingsStore.setState(defaultSettings, true);
  viewStore.setState({ ...viewStore.getInitialState(), dialog: 'settings' }, true);
  core = fakeCore({
    'settings.set': (change) => {
      if (change.modelsFolder === 'models') throw new StopbathError({ code: 'INVALID_INPUT', message: 'models is only a part of a path.', nextStep: 'Give the whole path.', field: 'modelsFolder' });
      return { ...settingsStore.getState(), ...(change as Partial<Settings>) };
    },
    'models.pick': () => ({ path: '/picked' }),
  });
});

afterEach(cleanup);

const settle = (): Promise<void> => act(async () => undefined);
const sent = (): unknown[] => core.asked.filter(({ name }) => name === 'settings.set').map(({ input }) => input);

async function openFolders(): Promise<void> {
  render(
    <Tooltip.Provider>
      <SettingsDialog />
    </Tooltip.Provider>,
  );
  await settle();
  fireEvent.click(screen.getByRole('tab', { name: 'Folders' }));
}

async function type(label: string, text: string): Promise<void> {
  const field = screen.getByRole('textbox', { name: label });
  fireEvent.change(field, { target: { value: text } });
  const form = field.closest('form');
  if (form !== null) fireEvent.submit(form);
  await settle();
}

describe('the folders', () => {
  it('of downloads stands as typed with core’s reason when it is refused, and as taken when it is not', async () => {
    await openFolders();
    await type('Downloads go to', 'models');
    const field = screen.getByRole<HTMLInputElement>('textbox', { name: 'Downloads go to' });
    expect(field.value).toBe('models');
    expect(field.getAttribute('aria-invalid')).toBe('true');
    expect(screen.getByText('models is only a part of a path. Give the whole path.')).toBeDefined();
    expect(screen.queryByRole('button', { name: 'Default' })).toBeNull();
    await type('Downloads go to', '/disk/models');
    expect(field.getAttribute('aria-invalid')).toBeNull();
    fireEvent.click(screen.getByRole('button', { name: 'Default' }));
    await settle();
    expect(field.value).toBe('');
    expect(sent()).toEqual([{ modelsFolder: 'models' }, { modelsFolder: '/disk/models' }, { modelsFolder: null }]);
  });

  it('of adapters are added one by one and taken away', async () => {
    await openFolders();
    await type('Look through another folder', '/a');
    await type('Look through another folder', '/b');
    expect(screen.getByRole<HTMLInputElement>('textbox', { name: 'Look through another folder' }).value).toBe('');
    fireEvent.click(screen.getByRole('button', { name: 'No longer look through /a' }));
    await settle();
    expect(settingsStore.getState().adapterFolders).toEqual(['/b']);
  });

  it('are chosen in the system’s dialog in the desktop app only', async () => {
    appStore.setState({ info: null });
    await openFolders();
    expect(screen.queryByRole('button', { name: 'Choose a folder…' })).toBeNull();
    act(() => appStore.setState({ info: { version: '1', host: 'electron', platform: 'linux', canReveal: true, notices: [] } }));
    const [pick] = screen.getAllByRole('button', { name: 'Choose a folder…' });
    if (pick !== undefined) fireEvent.click(pick);
    await settle();
    expect(settingsStore.getState().modelsFolder).toBe('/picked');
  });
});

describe('the disk of runs', () => {
  it('is taken when the field is left, and not while it is no number', async () => {
    await openFolders();
    const field = screen.getByRole<HTMLInputElement>('spinbutton');
    fireEvent.change(field, { target: { value: '8' } });
    fireEvent.blur(field);
    expect(field.getAttribute('aria-invalid')).toBe('true');
    fireEvent.change(field, { target: { value: '4096' } });
    expect(screen.getByText(/Up to 4\.3 GB/)).toBeDefined();
    expect(sent()).toEqual([]);
    fireEvent.blur(field);
    await settle();
    expect(sent()).toEqual([{ runsLimitMiB: 4096 }]);
  });
});
