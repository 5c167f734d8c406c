import type { ReactNode } from 'react';
import { useStore } from 'zustand';
import { maxPromptLength } from '../../../../shared/generation.ts';
import { useFieldError } from '../../i18n/useFieldError.ts';
import { useText } from '../../i18n/useText.ts';
import { formStore, setForm } from '../../stores/form.ts';
import { forgetRefusal } from '../../stores/formChecks.ts';
import type { CountedField } from '../../stores/tokenCounts.ts';
import { Field } from '../../ui/Field.tsx';
import { TextArea } from '../../ui/TextArea.tsx';
import { CutTokens, TokenMeter } from './TokenMeter.tsx';

export interface PromptAreaProps {
  readonly id: string;
  readonly field: CountedField;
  readonly label: string;
  readonly placeholder: string;
  readonly rows: number;
  /** Right behind the label. */
  readonly help?: ReactNode;
  readonly aside?: ReactNode;
}

/** Share of the limit from which on the count is worth a line. */
const nearLimit = 0.9;

export function PromptArea({ id, field, label, placeholder, rows, help, aside }: PromptAreaProps) {
  const { t } = useText();
  const text = useStore(formStore, (form) => form[field]);
  const error = useFieldError(field);
  const count = text.length >= maxPromptLength * nearLimit ? t('form.promptCount', { count: text.length, max: maxPromptLength }) : undefined;
  return (
    <Field
      id={id}
      label={label}
      error={error}
      aside={
        <>
          {help}
          <TokenMeter field={field} />
          {aside}
        </>
      }
      hint={count}
    >
      <TextArea
        id={id}
        rows={rows}
        value={text}
        placeholder={placeholder}
        invalid={error !== null}
        onChange={(event) => {
          forgetRefusal(field);
          setForm({ [field]: event.target.value });
        }}
      />
      <CutTokens field={field} />
    </Field>
  );
}
