import { Gauge } from 'lucide-react';
import type { TFunction } from 'i18next';
import { useStore } from 'zustand';
import type { Device } from '../../../../shared/models.ts';
import type { Format } from '../../i18n/format.ts';
import { useRungText } from '../../i18n/useRungText.ts';
import { useText } from '../../i18n/useText.ts';
import { devicesStore, testDevice } from '../../stores/devices.ts';
import { engineStore } from '../../stores/engine.ts';
import { settingsStore } from '../../stores/settings.ts';
import { changeSettings } from '../../stores/settingsActions.ts';
import { Button } from '../../ui/Button.tsx';
import { cx } from '../../ui/cx.ts';
import { Spinner } from '../../ui/Spinner.tsx';
import styles from './DeviceRow.module.css';

/** One device: whether it works, why not, what to do, and how fast it was. */
export function DeviceRow({ device }: { readonly device: Device }) {
  const { t, format } = useText();
  const { reason, remedy } = useRungText()(device);
  const { provider, state } = device;
  const testing = useStore(devicesStore, (devices) => devices.testing.includes(provider));
  const inUse = useStore(engineStore, (engine) => engine.status?.provider === provider);
  const chosen = useStore(settingsStore, (settings) => settings.provider === provider);
  return (
    <li className={styles.device} data-testid="device-row" data-provider={provider} data-state={state}>
      <div className={styles.words}>
        <span className={styles.name}>
          {t(`provider.${provider}`)}
          {device.name === null ? null : <span className={styles.adapter}>{device.name}</span>}
        </span>
        <span className={cx(styles.state, styles[state])}>
          {[t(`devices.state.${state}`), ...(inUse ? [t('device.taken')] : [])].join(' · ')}
        </span>
        {reason === '' ? null : <span className={styles.reason}>{reason}</span>}
        {remedy === '' ? null : <span className={styles.remedy}>{remedy}</span>}
        {measured(device, t, format).map((line) => (
          <span key={line} className={styles.reason}>
            {line}
          </span>
        ))}
      </div>
      <div className={styles.actions}>
        <Button
          size="s"
          disabled={testing}
          icon={testing ? <Spinner /> : <Gauge aria-hidden />}
          aria-label={t('devices.testNamed', { provider: t(`provider.${provider}`) })}
          onClick={() => void testDevice(provider)}
        >
          {testing ? t('devices.testing') : t('devices.test')}
        </Button>
        <Button
          size="s"
          look="quiet"
          aria-pressed={chosen}
          onClick={() => void changeSettings({ provider: chosen ? 'auto' : provider })}
        >
          {chosen ? t('devices.backToAuto') : t('devices.useAlways')}
        </Button>
      </div>
    </li>
  );
}

function measured({ provider, unetMs, difference }: Device, t: TFunction, format: Format): string[] {
  if (unetMs === null) return [];
  const ms = (value: number): string => format.number(value, value < 10 ? 1 : 0);
  return [
    t('devices.unetMs', { one: ms(unetMs.one), two: ms(unetMs.two), ratio: format.number(unetMs.two / unetMs.one, 2) }),
    ...(difference === null || provider === 'cpu' ? [] : [t('devices.difference', { value: difference.toExponential(1) })]),
  ];
}
