import { useState } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { appStore } from '../../stores/app.ts';
import { useDialog } from '../../stores/useDialog.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { Sections } from '../../ui/Section.tsx';
import { tabId, Tabs } from '../../ui/Tabs.tsx';
import { FileSettings } from './FileSettings.tsx';
import { GeneralSettings } from './GeneralSettings.tsx';
import { NetworkSettings } from './NetworkSettings.tsx';
import styles from './SettingsDialog.module.css';

const tabs = ['general', 'files', 'network'] as const;
type SettingsTab = (typeof tabs)[number];
const panels = { general: <GeneralSettings />, files: <FileSettings />, network: <NetworkSettings /> } as const;
const panelId = 'settings-panel';

export function SettingsDialog() {
  const { t } = useText();
  return (
    <Dialog {...useDialog('settings')} title={t('settings.title')} closeLabel={t('common.close')} width={520} className={styles.dialog}>
      <SettingsBody />
    </Dialog>
  );
}

function SettingsBody() {
  const { t } = useText();
  const version = useStore(appStore, (state) => state.info?.version ?? '');
  const [tab, setTab] = useState<SettingsTab>('general');
  return (
    <>
      <div className={styles.tabs}>
        <Tabs<SettingsTab>
          id="settings"
          label={t('settings.title')}
          value={tab}
          tabs={tabs.map((value) => ({ value, label: t(`settings.tab.${value}`) }))}
          panelId={panelId}
          onChange={setTab}
        />
      </div>
      <Sections id={panelId} role="tabpanel" aria-labelledby={tabId('settings', tab)} className={styles.panel}>
        {panels[tab]}
        <p className={styles.version}>{t('settings.version', { version })}</p>
      </Sections>
    </>
  );
}
