import { useStore } from 'zustand';
import type { NetworkEntry } from '../../../../shared/models.ts';
import { useText } from '../../i18n/useText.ts';
import { networkStore, readNetworkLog } from '../../stores/network.ts';
import { settingsStore } from '../../stores/settings.ts';
import { changeSettings } from '../../stores/settingsActions.ts';
import { useDialog } from '../../stores/useDialog.ts';
import { cx } from '../../ui/cx.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { Switch } from '../../ui/Switch.tsx';
import styles from './NetworkDialog.module.css';

/** Every request the app made, and the switch that lets it make none. */
export function NetworkDialog() {
  const { t } = useText();
  return (
    <Dialog {...useDialog('network', readNetworkLog)} title={t('network.title')} closeLabel={t('common.close')} width={720}>
      <NetworkBody />
    </Dialog>
  );
}

function NetworkBody() {
  const { t } = useText();
  const entries = useStore(networkStore, (state) => state.entries);
  const offline = useStore(settingsStore, (settings) => settings.offline);
  return (
    <>
      <Switch label={t('network.offline')} checked={offline} onChange={(next) => void changeSettings({ offline: next })} />
      <p className={styles.hint}>{t('network.hint')}</p>
      {entries.length === 0 ? (
        <p className={styles.none}>{t('network.none')}</p>
      ) : (
        <ol aria-label={t('network.log')}>
          {entries.toReversed().map((entry) => (
            <Entry key={entry.id} entry={entry} />
          ))}
        </ol>
      )}
    </>
  );
}

function Entry({ entry }: { readonly entry: NetworkEntry }) {
  const { t, format } = useText();
  const facts = [
    format.dateTime(new Date(entry.at).toISOString()),
    entry.why,
    ...(entry.status === null ? [] : [String(entry.status)]),
    ...(entry.bytes > 0 ? [format.bytes(entry.bytes)] : []),
    entry.ms === null ? t('network.goesOn') : format.duration(entry.ms),
  ];
  return (
    <li className={styles.entry} data-testid="network-entry">
      <span className={styles.url}>
        <span className={styles.method}>{entry.method}</span> {entry.url}
      </span>
      <span className={styles.facts}>{facts.join(' · ')}</span>
      {entry.problem === null ? null : <span className={cx(styles.facts, styles.problem)}>{entry.problem}</span>}
    </li>
  );
}
