import type { TFunction } from 'i18next';
import { useStore } from 'zustand';
import type { EngineStatus } from '../../../../shared/contract.ts';
import { useRungText, type CoreReason, type RungText } from '../../i18n/useRungText.ts';
import { useText } from '../../i18n/useText.ts';
import { engineStore } from '../../stores/engine.ts';
import { Chip } from '../../ui/Chip.tsx';
import { cx } from '../../ui/cx.ts';
import { Popover } from '../../ui/Popover.tsx';
import styles from './DeviceChip.module.css';
import { ProviderLadder } from './ProviderLadder.tsx';

/** Where the model runs and, in the popover, why there. The engine's state changes several times a run: only its light follows it. */
export function DeviceChip() {
  const { t } = useText();
  const rungText = useRungText();
  const line = useStore(engineStore, ({ status }) => (status === null ? null : deviceLine(status, t, rungText)));
  if (line === null) return <span data-testid="device" />;
  return (
    <Popover
      align="end"
      title={t('device.title')}
      trigger={<Chip className={styles.chip} data-testid="device" text={line} before={<Light />} />}
    >
      <Ladder />
    </Popover>
  );
}

function Light() {
  const state = useStore(engineStore, ({ status }) => status?.state);
  return <span className={cx(styles.light, state !== undefined && styles[state])} aria-hidden />;
}

function Ladder() {
  const status = useStore(engineStore, (engine) => engine.status);
  return status === null ? null : <ProviderLadder status={status} />;
}

/** The device in use, and the first better one that could not be had. */
function deviceLine(status: EngineStatus, t: TFunction, rungText: (rung: CoreReason) => RungText): string {
  if (status.provider === null) return t('device.engineState', { state: t(`device.state.${status.state}`) });
  const name = t(`provider.${status.provider}`);
  const missed = status.rungs.find((rung) => !rung.taken);
  if (missed === undefined) return name;
  return `${name} – ${t('device.why', { provider: t(`provider.${missed.provider}`), reason: rungText(missed).reason.replace(/[.。]$/, '') })}`;
}
