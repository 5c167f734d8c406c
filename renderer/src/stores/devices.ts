import { createStore } from 'zustand/vanilla';
import type { EventValue } from '../../../shared/contract.ts';
import type { ProviderId } from '../../../shared/generation.ts';
import type { CudaPack, Device } from '../../../shared/models.ts';
import { callCore } from './core.ts';
import { attempt } from './runActions.ts';

export interface DevicesState {
  readonly devices: readonly Device[];
  readonly cudaPack: CudaPack | null;
  /** Devices whose self-test goes on. */
  readonly testing: readonly ProviderId[];
}

export const devicesStore = createStore<DevicesState>(() => ({ devices: [], cudaPack: null, testing: [] }));

export async function readDevices(): Promise<void> {
  await attempt(async () => {
    const [devices, cudaPack] = await Promise.all([callCore('devices.list', {}), callCore('devices.cudaPack', {})]);
    devicesStore.setState({ devices, cudaPack });
  });
}

export function receiveDevices(value: EventValue<'devices'>): void {
  devicesStore.setState(value);
}

export async function testDevice(provider: ProviderId): Promise<void> {
  devicesStore.setState(({ testing }) => ({ testing: [...testing, provider] }));
  await attempt(async () => {
    const device = await callCore('devices.test', { provider });
    devicesStore.setState(({ devices }) => ({ devices: devices.map((other) => (other.provider === provider ? device : other)) }));
  });
  devicesStore.setState(({ testing }) => ({ testing: testing.filter((other) => other !== provider) }));
}

export async function installCudaPack(): Promise<void> {
  await attempt(async () => {
    await callCore('devices.installCudaPack', {});
    devicesStore.setState({ cudaPack: await callCore('devices.cudaPack', {}) });
  });
}

export async function removeCudaPack(): Promise<void> {
  await attempt(async () => {
    await callCore('devices.removeCudaPack', {});
    devicesStore.setState({ cudaPack: await callCore('devices.cudaPack', {}) });
  });
}
