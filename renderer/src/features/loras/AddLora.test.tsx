import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { StopbathError } from '../../../../shared/errors.ts';
import type { AdapterFile } from '../../../../shared/models.ts';
import { startLanguage } from '../../i18n/i18n.ts';
import { loraFilesStore } from '../../stores/loraFiles.ts';
import { fakeCore } from '../../testing/fakeCore.ts';
import { model } from '../../testing/samples.ts';
import { AddLora } from './AddLora.tsx';

const ink: AdapterFile = { name: 'ink', kind: 'lora', path: '/loras/ink.safetensors', bytes: 7e5, family: null, rank: 16, triggers: [], problem: null };

beforeAll(() => startLanguage('en'));
beforeEach(() => loraFilesStore.setState(loraFilesStore.getInitialState(), true));
afterEach(cleanup);

async function open(): Promise<void> {
  render(<AddLora model={{ ...model, takesLoras: true }} />);
  fireEvent.click(screen.getByTestId('add-lora'));
  await act(async () => undefined);
}

describe('the list of LoRAs', () => {
  it('says why it could not be read, and reads it when it is asked again', async () => {
    fakeCore({
      'adapters.list': () => {
        throw new StopbathError({ code: 'ENGINE_CRASH', message: 'The engine ended.', nextStep: 'Wait a moment.' });
      },
    });
    await open();
    expect(screen.getByRole('alert').textContent).toContain('The list of LoRAs could not be read. The engine ended. Wait a moment.');
    expect(screen.queryByText('Looking through the folders')).toBeNull();
    fakeCore({ 'adapters.list': () => [ink] });
    fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
    await act(async () => undefined);
    expect(screen.queryByRole('alert')).toBeNull();
    expect(screen.getByTestId('lora-file').textContent).toContain('ink');
  });

  it('that is old is still shown while it cannot be read anew', async () => {
    loraFilesStore.setState({ files: [ink], read: true });
    fakeCore({});
    await open();
    expect(screen.getByRole('alert')).toBeDefined();
    expect(screen.getByTestId('lora-file')).toBeDefined();
  });
});
