import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { formStore, setForm } from '../../stores/form.ts';
import { countRange } from '../../stores/formRanges.ts';
import { paceOf, paceMsOf, paces } from '../../stores/pace.ts';
import { readInteger } from '../../stores/readText.ts';
import { settingsStore } from '../../stores/settings.ts';
import { changePace } from '../../stores/settingsActions.ts';
import { Segmented } from '../../ui/Segmented.tsx';
import { FormNumber } from './FormNumber.tsx';
import styles from './OutputFields.module.css';

export function OutputFields() {
  const { t } = useText();
  const paceMs = useStore(settingsStore, (settings) => settings.paceMs);
  const together = useStore(formStore, (form) => form.together);
  const several = useStore(formStore, (form) => (readInteger(form.count, countRange.min, countRange.max) ?? 1) > 1);
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
      {several ? (
        <Segmented
          className={styles.together}
          name="together"
          label={t('form.together')}
          value={together ? 'batch' : 'queue'}
          segments={[
            { value: 'queue', label: t('form.oneByOne') },
            { value: 'batch', label: t('form.inOneBatch') },
          ]}
          onChange={(value) => setForm({ together: value === 'batch' })}
        />
      ) : null}
    </div>
  );
}
