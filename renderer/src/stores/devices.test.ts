import { beforeEach, describe, expect, it } from 'vitest';
import type { Device } from '../../../shared/models.ts';
import { fakeCore } from '../testing/fakeCore.ts';
import { devicesStore, testDevice } from './devices.ts';
import { noticesStore } from './notices.ts';

const cpu: Device = { provider: 'cpu', possible: true, state: 'untested', code: '', reason: '', remedy: '', name: null, unetMs: null, difference: null, testedAt: null };
const webgpu: Device = { ...cpu, provider: 'webgpu' };

beforeEach(() => {
  devicesStore.setState({ devices: [webgpu, cpu], cudaPack: null, testing: [] });
  noticesStore.setState(noticesStore.getInitialState(), true);
});

describe('a self-test', () => {
  it('changes its own device only', async () => {
    fakeCore({ 'devices.test': () => ({ ...cpu, state: 'works', unetMs: { one: 20, two: 38 } }) });
    const test = testDevice('cpu');
    expect(devicesStore.getState().testing).toEqual(['cpu']);
    await test;
    expect(devicesStore.getState().devices.map(({ state }) => state)).toEqual(['untested', 'works']);
    expect(devicesStore.getState().testing).toEqual([]);
  });

  it('that could not be made ends, too, and is told', async () => {
    fakeCore();
    await testDevice('webgpu');
    expect(devicesStore.getState().testing).toEqual([]);
    expect(noticesStore.getState().notices).toHaveLength(1);
  });
});
