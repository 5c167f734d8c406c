import { useId } from 'react';
import { useStore } from 'zustand';
import { maxSteps, schedulerIds, schedulerLabels } from '../../../../shared/generation.ts';
import { useText } from '../../i18n/useText.ts';
import { formStore, setForm } from '../../stores/form.ts';
import { guidanceRange } from '../../stores/formRequest.ts';
import { Field } from '../../ui/Field.tsx';
import { SelectField } from '../../ui/SelectField.tsx';
import { FormNumber } from './FormNumber.tsx';
import styles from './rows.module.css';

const schedulers = schedulerIds.map((value) => ({ value, label: schedulerLabels[value] }));

export function SamplingFields() {
  const { t } = useText();
  const id = useId();
  const scheduler = useStore(formStore, (form) => form.scheduler);
  return (
    <>
      <div className={styles.pair}>
        <FormNumber field="steps" label={t('form.steps')} min={1} max={maxSteps} step={1} />
        <FormNumber field="guidanceScale" label={t('form.guidance')} {...guidanceRange} step={0.5} decimals />
      </div>
      <Field id={id} label={t('form.scheduler')}>
        <SelectField id={id} value={scheduler} options={schedulers} onChange={(next) => setForm({ scheduler: next })} />
      </Field>
    </>
  );
}
