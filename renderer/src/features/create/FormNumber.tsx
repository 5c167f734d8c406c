import { useId, type ReactNode } from 'react';
import { useStore } from 'zustand';
import { useFieldError } from '../../i18n/useFieldError.ts';
import { useText } from '../../i18n/useText.ts';
import { formStore, setForm } from '../../stores/form.ts';
import { forgetRefusal, touchField } from '../../stores/formChecks.ts';
import { Field } from '../../ui/Field.tsx';
import { NumberField } from '../../ui/NumberField.tsx';

export interface FormNumberProps {
  readonly field:
    | 'steps'
    | 'guidanceScale'
    | 'width'
    | 'height'
    | 'count'
    | 'maskPadding'
    | 'clipSkip'
    | 'guidanceTo'
    | 'guidanceRescale'
    | 'cutoffCosine'
    | 'reuseEvery'
    | 'reuseThreshold'
    | 'reuseMost'
    | 'eta'
    | 'sms'
    | 'threadsPerSm'
    | 'aestheticScore'
    | 'negativeAestheticScore';
  readonly label: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly decimals?: boolean;
  readonly disabled?: boolean;
  readonly aside?: ReactNode;
  readonly hint?: ReactNode;
}

export function FormNumber({ field, label, min, max, step, decimals = false, disabled = false, aside, hint }: FormNumberProps) {
  const { t } = useText();
  const id = useId();
  const text = useStore(formStore, (form) => form[field] ?? '');
  const error = useFieldError(field);
  return (
    <Field id={id} label={label} error={error} aside={aside} hint={hint}>
      <NumberField
        id={id}
        text={text}
        min={min}
        max={max}
        step={step}
        decimals={decimals}
        disabled={disabled}
        invalid={error !== null}
        decreaseLabel={t('common.decrease', { label })}
        increaseLabel={t('common.increase', { label })}
        onText={(next) => {
          forgetRefusal(field);
          setForm({ [field]: next });
        }}
        onLeave={() => touchField(field)}
      />
    </Field>
  );
}
