import { ChevronDown } from 'lucide-react';
import type { TFunction } from 'i18next';
import { useStore } from 'zustand';
import type { EngineStatus } from '../../../../shared/contract.ts';
import { useRungText, type CoreReason, type RungText } from '../../i18n/useRungText.ts';
import { useText } from '../../i18n/useText.ts';
import { engineStore } from '../../stores/engine.ts';
import { cx } from '../../ui/cx.ts';
import { Popover } from '../../ui/Popover.tsx';
import styles from './DeviceChip.module.css';
import { ProviderLadder } from './ProviderLadder.tsx';

/** Where the model runs and, in the popover, why there. */
export function DeviceChip() {
  const { t } = useText();
  const rungText = useRungText();
  const status = useStore(engineStore, (state) => state.status);
  if (status === null) return <span className={styles.chip} data-testid="device" />;
  return (
    <Popover
      align="end"
      title={t('device.title')}
      trigger={
        <button type="button" className={styles.chip} data-testid="device">
          <span className={cx(styles.light, styles[status.state])} aria-hidden />
          <span className={styles.text}>{deviceLine(status, t, rungText)}</span>
          <ChevronDown className={styles.more} aria-hidden />
        </button>
      }
    >
      <ProviderLadder status={status} />
    </Popover>
  );
}

/** The device in use, and the first better one that could not be had. */
function deviceLine(status: EngineStatus, t: TFunction, rungText: (rung: CoreReason) => RungText): string {
  if (status.provider === null) return t('device.engineState', { state: t(`device.state.${status.state}`) });
  const name = t(`provider.${status.provider}`);
  const missed = status.rungs.find((rung) => !rung.taken);
  if (missed === undefined) return name;
  return `${name} – ${t('device.why', { provider: t(`provider.${missed.provider}`), reason: rungText(missed).reason.replace(/[.。]$/, '') })}`;
}
