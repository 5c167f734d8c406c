import { useStore } from 'zustand';
import { formStore } from '../stores/form.ts';
import { formChecksStore } from '../stores/formChecks.ts';
import { checkForm } from '../stores/formErrors.ts';
import type { FieldError, FormField } from '../stores/formFields.ts';
import { useModel } from '../stores/useModel.ts';
import { useText } from './useText.ts';

/** The sentence to show at a field, or null. */
export function useFieldError(field: FormField): string | null {
  const { t } = useText();
  const refused = useStore(formChecksStore, (state) => state.refused[field]);
  const shown = useStore(formChecksStore, (state) => state.all || state.touched[field] === true);
  const model = useModel();
  // As JSON, so that an error that stays the same is no news to React.
  const found = useStore(formStore, (form) => JSON.stringify(checkForm(form, model)[field] ?? null));
  const error = refused ?? (shown ? (JSON.parse(found) as FieldError | null) : null);
  if (error === null) return null;
  const { key, ...values } = error;
  return t(`fieldError.${key}`, values);
}
