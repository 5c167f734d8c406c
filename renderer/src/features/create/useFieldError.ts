import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { appStore } from '../../stores/app.ts';
import { formStore } from '../../stores/form.ts';
import { formChecksStore } from '../../stores/formChecks.ts';
import { checkForm, type FieldError, type FormField } from '../../stores/formRequest.ts';
import { currentModel } from '../../stores/models.ts';

/** The sentence to show at a field, or null. */
export function useFieldError(field: FormField): string | null {
  const { t } = useText();
  const refused = useStore(formChecksStore, (state) => state.refused[field]);
  const shown = useStore(formChecksStore, (state) => state.all || state.touched[field] === true);
  const modelId = useStore(formStore, (form) => form.modelId);
  const model = useStore(appStore, (state) => currentModel(state, modelId));
  // As JSON, so that an error that stays the same is no news to React.
  const found = useStore(formStore, (form) => JSON.stringify(checkForm(form, model)[field] ?? null));
  const error = refused ?? (shown ? (JSON.parse(found) as FieldError | null) : null);
  if (error === null) return null;
  const { key, ...values } = error;
  return t(`fieldError.${key}`, values);
}
