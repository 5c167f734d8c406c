import { useId } from 'react';
import { useStore } from 'zustand';
import { useFieldError } from '../../i18n/useFieldError.ts';
import { useText } from '../../i18n/useText.ts';
import { appStore } from '../../stores/app.ts';
import { formStore } from '../../stores/form.ts';
import { chooseModel, currentModel } from '../../stores/models.ts';
import { Field } from '../../ui/Field.tsx';
import { SelectField } from '../../ui/SelectField.tsx';

/** Which model; with a single one there is nothing to choose, and no field. */
export function ModelField() {
  const { t } = useText();
  const id = useId();
  const models = useStore(appStore, (state) => state.models);
  const modelId = useStore(formStore, (form) => form.modelId);
  const error = useFieldError('modelId');
  const model = useStore(appStore, (state) => currentModel(state, modelId));
  const task = useStore(formStore, (form) => form.task);
  // Told at once: what is filled in on this tab would come to nothing.
  const unfit = model !== null && !model.tasks.includes(task) ? t('fieldError.taskUnsupported') : null;
  const wrong = error ?? unfit;
  if (models.length < 2 && wrong === null) return null;
  return (
    <Field id={id} label={t('form.model')} error={wrong} hint={model?.description}>
      <SelectField
        id={id}
        value={modelId ?? ''}
        invalid={wrong !== null}
        options={models.map(({ id: value, name }) => ({ value, label: name }))}
        onChange={(chosen) => {
          const next = models.find((candidate) => candidate.id === chosen);
          if (next !== undefined) chooseModel(next);
        }}
      />
    </Field>
  );
}
