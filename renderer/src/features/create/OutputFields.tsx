import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { countRange } from '../../stores/formRequest.ts';
import { paceOf, paceMsOf, paces } from '../../stores/pace.ts';
import { settingsStore } from '../../stores/settings.ts';
import { changePace } from '../../stores/settingsActions.ts';
import { Segmented } from '../../ui/Segmented.tsx';
import { FormNumber } from './FormNumber.tsx';
import styles from './OutputFields.module.css';

export function OutputFields() {
  const { t } = useText();
  const paceMs = useStore(settingsStore, (settings) => settings.paceMs);
  return (
    <div className={styles.row}>
      <FormNumber field="count" label={t('form.pictures')} {...countRange} step={1} />
      <div className={styles.pace}>
        <span className={styles.label} aria-hidden>
          {t('form.pace')}
        </span>
        <Segmented
          name="pace"
          label={t('form.pace')}
          value={paceOf(paceMs)}
          segments={paces.map((pace) => ({ value: pace, label: t(`pace.${pace}`) }))}
          onChange={(pace) => changePace(paceMsOf(pace))}
        />
      </div>
    </div>
  );
}
