import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { formStore, setForm } from '../../stores/form.ts';
import { paddingRange } from '../../stores/formRanges.ts';
import { Segmented } from '../../ui/Segmented.tsx';
import { Switch } from '../../ui/Switch.tsx';
import { FormNumber } from './FormNumber.tsx';
import styles from './InpaintFields.module.css';

/** Pixels of surroundings that a model usually needs to fit a part in. */
const usualPadding = '32';

/** How much of the picture is drawn, and what becomes of the rest. */
export function InpaintFields() {
  const { t } = useText();
  const part = useStore(formStore, (form) => form.maskPadding !== null);
  const keepUnmasked = useStore(formStore, (form) => form.keepUnmasked);
  return (
    <div className={styles.fields}>
      <Segmented
        name="mask-area"
        label={t('form.maskArea')}
        value={part ? 'part' : 'whole'}
        segments={[
          { value: 'whole', label: t('form.maskWhole') },
          { value: 'part', label: t('form.maskPart') },
        ]}
        onChange={(value) => setForm({ maskPadding: value === 'part' ? usualPadding : null })}
      />
      {part ? (
        <FormNumber field="maskPadding" label={t('form.maskPadding')} {...paddingRange} step={8} hint={t('form.maskPartHint')} />
      ) : null}
      <Switch label={t('form.keepUnmasked')} checked={keepUnmasked} onChange={(checked) => setForm({ keepUnmasked: checked })} />
    </div>
  );
}
