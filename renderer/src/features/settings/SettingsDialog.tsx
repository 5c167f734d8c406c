import { useStore } from 'zustand';
import { languages, previewModes, themes } from '../../../../shared/contract.ts';
import { providerIds } from '../../../../shared/generation.ts';
import { useText } from '../../i18n/useText.ts';
import { appStore } from '../../stores/app.ts';
import { paceMsOf, paceOf, paces } from '../../stores/pace.ts';
import { settingsStore } from '../../stores/settings.ts';
import { changePace, changeSettings } from '../../stores/settingsActions.ts';
import { viewStore } from '../../stores/view.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Segmented } from '../../ui/Segmented.tsx';
import { SelectField } from '../../ui/SelectField.tsx';
import { Switch } from '../../ui/Switch.tsx';
import { SettingRow } from './SettingRow.tsx';
import styles from './SettingsDialog.module.css';

const themeKeys = { system: 'settings.themeSystem', light: 'settings.themeLight', dark: 'settings.themeDark' } as const;
const previewKeys = { auto: 'settings.previewAuto', linear: 'settings.previewLinear', decoder: 'settings.previewDecoder', off: 'settings.previewOff' } as const;
const previewHints = {
  auto: 'settings.previewHintAuto',
  linear: 'settings.previewHintLinear',
  decoder: 'settings.previewHintDecoder',
  off: 'settings.previewHintOff',
} as const;

/** Languages are named in themselves: who cannot read the page must find theirs. */
const languageNames = { en: 'English', 'zh-CN': '简体中文' } as const;

export function SettingsDialog() {
  const { t } = useText();
  const open = useStore(viewStore, (view) => view.dialog === 'settings');
  const settings = useStore(settingsStore);
  const version = useStore(appStore, (state) => state.info?.version ?? '');
  return (
    <Dialog
      open={open}
      title={t('settings.title')}
      closeLabel={t('common.close')}
      onClose={() => viewStore.setState({ dialog: null })}
    >
      <div className={styles.groups}>
        <section aria-labelledby="settings-appearance">
          <h3 id="settings-appearance" className={styles.heading}>
            {t('settings.appearance')}
          </h3>
          <SettingRow label={t('settings.theme')}>
            <Segmented
              name="theme"
              label={t('settings.theme')}
              value={settings.theme}
              segments={themes.map((theme) => ({ value: theme, label: t(themeKeys[theme]) }))}
              onChange={(theme) => void changeSettings({ theme })}
            />
          </SettingRow>
          <SettingRow label={t('settings.language')} controlId="settings-language">
            <SelectField
              id="settings-language"
              value={settings.language}
              options={languages.map((language) => ({
                value: language,
                label: language === 'system' ? t('settings.languageSystem') : languageNames[language],
              }))}
              onChange={(language) => void changeSettings({ language })}
            />
          </SettingRow>
        </section>
        <section aria-labelledby="settings-running">
          <h3 id="settings-running" className={styles.heading}>
            {t('settings.running')}
          </h3>
          <SettingRow label={t('settings.preview')} hint={t(previewHints[settings.previewMode])}>
            <Segmented
              name="preview-mode"
              label={t('settings.preview')}
              value={settings.previewMode}
              segments={previewModes.map((mode) => ({ value: mode, label: t(previewKeys[mode]) }))}
              onChange={(previewMode) => void changeSettings({ previewMode })}
            />
          </SettingRow>
          <SettingRow label={t('settings.pace')} hint={t('form.paceHint')}>
            <Segmented
              name="settings-pace"
              label={t('settings.pace')}
              value={paceOf(settings.paceMs)}
              segments={paces.map((pace) => ({ value: pace, label: t(`pace.${pace}`) }))}
              onChange={(pace) => changePace(paceMsOf(pace))}
            />
          </SettingRow>
          <SettingRow label={t('settings.provider')} hint={t('settings.providerHint')} controlId="settings-provider">
            <SelectField
              id="settings-provider"
              value={settings.provider}
              options={(['auto', ...providerIds] as const).map((provider) => ({ value: provider, label: t(`provider.${provider}`) }))}
              onChange={(provider) => void changeSettings({ provider })}
            />
          </SettingRow>
        </section>
        <section aria-labelledby="settings-network">
          <h3 id="settings-network" className={styles.heading}>
            {t('network.title')}
          </h3>
          <Switch label={t('network.offline')} checked={settings.offline} onChange={(offline) => void changeSettings({ offline })} />
          <Button size="s" className={styles.more} onClick={() => viewStore.setState({ dialog: 'network' })}>
            {t('network.open')}
          </Button>
        </section>
        <p className={styles.version}>{t('settings.version', { version })}</p>
      </div>
    </Dialog>
  );
}
