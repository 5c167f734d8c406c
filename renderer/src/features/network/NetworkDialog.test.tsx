import { act, cleanup, render, screen } from '@testing-library/react';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startLanguage } from '../../i18n/i18n.ts';
import { networkStore } from '../../stores/network.ts';
import { viewStore } from '../../stores/view.ts';
import { fakeCore } from '../../testing/fakeCore.ts';
import { networkEntry } from '../../testing/modelSamples.ts';
import { NetworkDialog } from './NetworkDialog.tsx';

beforeAll(() => startLanguage('en'));
afterEach(cleanup);

describe('the network log', () => {
  it('has the newest first, with what came of it', async () => {
    fakeCore({
      'network.log': () => [
        networkEntry(1),
        networkEntry(2, { status: null, bytes: 0, ms: 20, problem: 'Stopbath is offline.' }),
        networkEntry(3, { status: null, bytes: 0, ms: null }),
      ],
    });
    networkStore.setState({ entries: [] });
    viewStore.setState({ dialog: 'network' });
    render(<NetworkDialog />);
    await act(async () => undefined);
    const texts = screen.getAllByTestId('network-entry').map(({ textContent }) => textContent);
    expect(texts.map((text) => /hub\.example\/(\d)/.exec(text)?.[1])).toEqual(['3', '2', '1']);
    expect(texts[0]).toContain('goes on');
    expect(texts[1]).toContain('Stopbath is offline.');
    expect(texts[2]).toContain('200 · 1 MB · 1.2 s');
  });

  it('says so while there is none', async () => {
    fakeCore({ 'network.log': () => [] });
    viewStore.setState({ dialog: 'network' });
    render(<NetworkDialog />);
    await act(async () => undefined);
    expect(screen.getByText('No request has been made since Stopbath started.')).toBeDefined();
    expect(screen.queryByRole('list', { name: /newest first/ })).toBeNull();
  });
});
