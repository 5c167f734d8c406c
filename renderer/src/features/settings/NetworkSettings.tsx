import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { settingsStore } from '../../stores/settings.ts';
import { changeSettings } from '../../stores/settingsActions.ts';
import { viewStore } from '../../stores/view.ts';
import { Button } from '../../ui/Button.tsx';
import { Switch } from '../../ui/Switch.tsx';
import styles from './SettingsDialog.module.css';

/** What may leave this computer, and what has. */
export function NetworkSettings() {
  const { t } = useText();
  const offline = useStore(settingsStore, (settings) => settings.offline);
  return (
    <section>
      <Switch label={t('network.offline')} checked={offline} onChange={(next) => void changeSettings({ offline: next })} />
      <p className={styles.hint}>{t('network.hint')}</p>
      <Button size="s" className={styles.more} onClick={() => viewStore.setState({ dialog: 'network' })}>
        {t('network.open')}
      </Button>
    </section>
  );
}
