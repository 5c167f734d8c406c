import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { defaultSettings } from '../../../../shared/contract.ts';
import { explainFailure } from '../../../../shared/deviceReasons.ts';
import type { Device } from '../../../../shared/models.ts';
import { changeLanguage, startLanguage } from '../../i18n/i18n.ts';
import { devicesStore } from '../../stores/devices.ts';
import { engineStore } from '../../stores/engine.ts';
import { settingsStore } from '../../stores/settings.ts';
import { fakeCore } from '../../testing/fakeCore.ts';
import { DeviceChip } from './DeviceChip.tsx';
import { DeviceRow } from './DeviceRow.tsx';

beforeAll(() => startLanguage('en'));

beforeEach(() => {
  devicesStore.setState(devicesStore.getInitialState(), true);
  settingsStore.setState(defaultSettings, true);
});

afterEach(async () => {
  cleanup();
  await changeLanguage('en');
});

const missing = explainFailure('cuda', 'libcublasLt.so.12: cannot open shared object file');
const cuda: Device = { provider: 'cuda', possible: true, state: 'failed', ...missing, name: null, unetMs: null, difference: null, testedAt: 1 };

describe('a device', () => {
  it('names the library that is missing, and what to do, in either language', async () => {
    render(<DeviceRow device={cuda} />);
    expect(screen.getByText(missing.reason).textContent).toContain('libcublasLt.so.12');
    expect(screen.getByText(missing.remedy)).toBeDefined();
    await act(() => changeLanguage('zh-CN'));
    expect(screen.getByText('缺少 NVIDIA 库 libcublasLt.so.12。')).toBeDefined();
    expect(screen.getByText('请安装它所属的 CUDA 版本；其他主版本不能代替。')).toBeDefined();
  });

  it('tells what it achieved, and can be taken for always', async () => {
    const { asked } = fakeCore({ 'settings.set': () => defaultSettings });
    render(<DeviceRow device={{ ...cuda, provider: 'webgpu', state: 'works', code: '', reason: '', remedy: '', unetMs: { one: 8.4, two: 21 }, difference: 0.0012 }} />);
    expect(screen.getByText('8.4 ms a model call, 21 ms for two at once (2.5 times)')).toBeDefined();
    expect(screen.getByText('Differs from the CPU by 1.2e-3 at most')).toBeDefined();
    fireEvent.click(screen.getByRole('button', { name: 'Always use' }));
    await act(async () => undefined);
    expect(asked).toEqual([{ name: 'settings.set', input: { provider: 'webgpu' } }]);
  });
});

describe('the ladder', () => {
  it('says of each device why it was not taken and what to do', () => {
    engineStore.setState({
      status: {
        state: 'ready',
        generation: 1,
        provider: 'cpu',
        failure: null,
        rungs: [
          { provider: 'cuda', taken: false, ...missing },
          { provider: 'cpu', taken: true, code: 'OK', reason: '' },
        ],
      },
    });
    render(<DeviceChip />);
    fireEvent.click(screen.getByTestId('device'));
    const [first, second] = screen.getAllByRole('listitem').map(({ textContent }) => textContent);
    expect(first).toBe(`CUDAnot used${missing.reason}${missing.remedy}`);
    expect(second).toBe('CPUin use');
  });
});
