import type { Handlers } from '../../shared/rpc.ts';
import type { Devices } from './devices/devices.ts';

type DeviceCalls = Pick<Handlers, 'devices.list' | 'devices.test' | 'devices.cudaPack' | 'devices.installCudaPack' | 'devices.removeCudaPack'>;

export function deviceHandlers(devices: Devices): DeviceCalls {
  return {
    'devices.list': () => devices.list(),
    'devices.test': ({ provider }) => devices.test(provider),
    'devices.cudaPack': () => devices.cudaPack(),
    'devices.installCudaPack': async () => {
      await devices.installCudaPack();
      return {};
    },
    'devices.removeCudaPack': async () => {
      await devices.removeCudaPack();
      return {};
    },
  };
}
