import { useId, type ReactNode } from 'react';
import { useStore } from 'zustand';
import { useFieldError } from '../../i18n/useFieldError.ts';
import { formStore, setForm } from '../../stores/form.ts';
import { forgetRefusal, touchField } from '../../stores/formChecks.ts';
import { Field } from '../../ui/Field.tsx';
import { TextInput } from '../../ui/TextInput.tsx';

export interface FormTextProps {
  readonly field:
    | 'guidanceScales'
    | 'sigmaLow'
    | 'sigmaHigh'
    | 'timesteps'
    | 'sigmas'
    | 'originalSize'
    | 'cropTopLeft'
    | 'targetSize'
    | 'negativeOriginalSize'
    | 'negativeCropTopLeft'
    | 'negativeTargetSize'
    | 'denoisingStart'
    | 'denoisingEnd';
  readonly label: string;
  readonly placeholder?: string;
  readonly aside?: ReactNode;
  readonly hint?: ReactNode;
}

/** A line of text that is checked: a list of numbers, a size, a number that may be left out. */
export function FormText({ field, label, placeholder, aside, hint }: FormTextProps) {
  const id = useId();
  const text = useStore(formStore, (form) => form[field]);
  const error = useFieldError(field);
  return (
    <Field id={id} label={label} error={error} aside={aside} hint={hint}>
      <TextInput
        id={id}
        value={text}
        placeholder={placeholder}
        invalid={error !== null}
        onChange={(event) => {
          forgetRefusal(field);
          setForm({ [field]: event.target.value });
        }}
        onBlur={() => touchField(field)}
      />
    </Field>
  );
}
