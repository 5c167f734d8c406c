import { beforeEach, describe, expect, it } from 'vitest';
import { networkEntry } from '../testing/modelSamples.ts';
import { networkStore, receiveNetworkEntry } from './network.ts';

const ids = (): number[] => networkStore.getState().entries.map(({ id }) => id);

beforeEach(() => networkStore.setState({ entries: [] }));

describe('the network log', () => {
  it('has a request once, as it was last told', () => {
    receiveNetworkEntry(networkEntry(1, { status: null, ms: null, bytes: 0 }));
    receiveNetworkEntry(networkEntry(2));
    receiveNetworkEntry(networkEntry(1, { bytes: 5 }));
    expect(ids()).toEqual([1, 2]);
    expect(networkStore.getState().entries[0]).toMatchObject({ bytes: 5, ms: 1200 });
  });

  it('forgets the oldest of very many', () => {
    for (let id = 0; id < 520; id++) receiveNetworkEntry(networkEntry(id));
    expect(ids()).toHaveLength(500);
    expect(ids()[0]).toBe(20);
  });
});
