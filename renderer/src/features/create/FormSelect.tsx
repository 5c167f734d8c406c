import { useFieldError } from '../../i18n/useFieldError.ts';
import { useId, type ReactNode } from 'react';
import { forgetRefusal } from '../../stores/formChecks.ts';
import type { FormField } from '../../stores/formFields.ts';
import { Field } from '../../ui/Field.tsx';
import { SelectField, type SelectFieldProps } from '../../ui/SelectField.tsx';

export interface FormSelectProps<V extends string> extends Pick<SelectFieldProps<V>, 'value' | 'options' | 'onChange'> {
  readonly field: FormField;
  readonly label: string;
  readonly aside?: ReactNode;
  readonly hint?: ReactNode;
}

export function FormSelect<V extends string>({ field, label, value, options, aside, hint, onChange }: FormSelectProps<V>) {
  const id = useId();
  const error = useFieldError(field);
  return (
    <Field id={id} label={label} error={error} aside={aside} hint={hint}>
      <SelectField
        id={id}
        value={value}
        options={options}
        invalid={error !== null}
        onChange={(next) => {
          forgetRefusal(field);
          onChange(next);
        }}
      />
    </Field>
  );
}
