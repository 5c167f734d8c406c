import { ChevronRight } from 'lucide-react';
import { useId, type ReactNode } from 'react';
import { useStore } from 'zustand';
import { settingText } from '../../i18n/settingText.ts';
import { useText } from '../../i18n/useText.ts';
import { changedSettings, resetSettings } from '../../stores/advanced.ts';
import { formStore, setForm } from '../../stores/form.ts';
import { useModel } from '../../stores/useModel.ts';
import { Button } from '../../ui/Button.tsx';
import styles from './AdvancedSection.module.css';
import { GuidanceSettings } from './advanced/GuidanceSettings.tsx';
import { NoiseSettings } from './advanced/NoiseSettings.tsx';
import { PromptSettings } from './advanced/PromptSettings.tsx';
import { ScheduleSettings } from './advanced/ScheduleSettings.tsx';
import { SdxlSettings } from './advanced/SdxlSettings.tsx';

export interface AdvancedSectionProps {
  /** The guidance scale over the steps, as a curve. */
  readonly curve: ReactNode;
  /** Step-end callbacks of the user's own. */
  readonly callbacks: ReactNode;
}

/** What most pictures do without. Closed, it says in one line what of it differs from its default. */
export function AdvancedSection({ curve, callbacks }: AdvancedSectionProps) {
  const { t } = useText();
  const id = useId();
  const model = useModel();
  const form = useStore(formStore);
  const open = form.advancedOpen;
  const changed = changedSettings(form, model);
  const called = form.callbacks.filter(({ on }) => on).length;
  const summary = [
    ...changed.map((setting) => settingText(setting.id, form, t)),
    ...(called === 0 ? [] : [t('callbacks.on', { count: called })]),
  ];
  return (
    <section className={styles.section} data-testid="advanced">
      <div className={styles.head}>
        <h2 className={styles.title}>
          <button
            type="button"
            className={styles.toggle}
            aria-expanded={open}
            aria-controls={id}
            onClick={() => setForm({ advancedOpen: !open })}
          >
            <ChevronRight className={styles.chevron} aria-hidden />
            {t('advanced.title')}
            {changed.length === 0 ? null : <span className={styles.count}>{t('advanced.changed', { count: changed.length })}</span>}
          </button>
        </h2>
        {open && changed.length > 0 ? (
          <Button look="quiet" size="s" onClick={() => resetSettings(changed)}>
            {t('advanced.resetAll')}
          </Button>
        ) : null}
      </div>
      {open || summary.length === 0 ? null : <p className={styles.summary}>{summary.join(' · ')}</p>}
      <div id={id} className={styles.body} hidden={!open}>
        {open ? (
          <>
            <GuidanceSettings curve={curve} />
            <ScheduleSettings />
            <PromptSettings />
            <NoiseSettings />
            {model?.family === 'sdxl' ? <SdxlSettings /> : null}
            {callbacks}
          </>
        ) : null}
      </div>
    </section>
  );
}
