import { useStore } from 'zustand';
import { languages, previewModes, themes } from '../../../../shared/contract.ts';
import { providerIds } from '../../../../shared/generation.ts';
import { useText } from '../../i18n/useText.ts';
import { paceMsOf, paceOf, paces } from '../../stores/pace.ts';
import { settingsStore } from '../../stores/settings.ts';
import { changePace, changeSettings } from '../../stores/settingsActions.ts';
import { viewStore } from '../../stores/view.ts';
import { Button } from '../../ui/Button.tsx';
import { Section } from '../../ui/Section.tsx';
import { Segmented } from '../../ui/Segmented.tsx';
import { SelectField } from '../../ui/SelectField.tsx';
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

/** How the app looks and how it runs. */
export function GeneralSettings() {
  return (
    <>
      <Appearance />
      <Running />
    </>
  );
}

function Appearance() {
  const { t } = useText();
  const { theme, language } = useStore(settingsStore);
  return (
    <Section id="settings-appearance" title={t('settings.appearance')}>
      <SettingRow label={t('settings.theme')}>
        <Segmented
          name="theme"
          label={t('settings.theme')}
          value={theme}
          segments={themes.map((value) => ({ value, label: t(themeKeys[value]) }))}
          onChange={(value) => void changeSettings({ theme: value })}
        />
      </SettingRow>
      <SettingRow label={t('settings.language')} controlId="settings-language">
        <SelectField
          id="settings-language"
          value={language}
          options={languages.map((value) => ({ value, label: value === 'system' ? t('settings.languageSystem') : languageNames[value] }))}
          onChange={(value) => void changeSettings({ language: value })}
        />
      </SettingRow>
    </Section>
  );
}

function Running() {
  const { t } = useText();
  const { previewMode, paceMs, provider } = useStore(settingsStore);
  return (
    <Section id="settings-running" title={t('settings.running')}>
      <SettingRow label={t('settings.preview')} hint={t(previewHints[previewMode])}>
        <Segmented
          name="preview-mode"
          label={t('settings.preview')}
          value={previewMode}
          segments={previewModes.map((mode) => ({ value: mode, label: t(previewKeys[mode]) }))}
          onChange={(mode) => void changeSettings({ previewMode: mode })}
        />
      </SettingRow>
      <SettingRow label={t('settings.pace')} hint={t('form.paceHint')}>
        <Segmented
          name="settings-pace"
          label={t('settings.pace')}
          value={paceOf(paceMs)}
          segments={paces.map((pace) => ({ value: pace, label: t(`pace.${pace}`) }))}
          onChange={(pace) => changePace(paceMsOf(pace))}
        />
      </SettingRow>
      <SettingRow label={t('settings.provider')} hint={t('settings.providerHint')} controlId="settings-provider">
        <SelectField
          id="settings-provider"
          value={provider}
          options={(['auto', ...providerIds] as const).map((value) => ({ value, label: t(`provider.${value}`) }))}
          onChange={(value) => void changeSettings({ provider: value })}
        />
      </SettingRow>
      <Button size="s" className={styles.more} onClick={() => viewStore.setState({ dialog: 'devices' })}>
        {t('settings.devices')}
      </Button>
    </Section>
  );
}
