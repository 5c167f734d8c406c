import { useId } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { appStore } from '../../stores/app.ts';
import { formStore } from '../../stores/form.ts';
import { formChecksStore } from '../../stores/formChecks.ts';
import { checkForm, type FieldError } from '../../stores/formErrors.ts';
import { currentModel } from '../../stores/models.ts';
import { AddLora } from './AddLora.tsx';
import { LoraRow } from './LoraRow.tsx';
import styles from './LoraSection.module.css';

/** The LoRAs of the next run, for models that take them. */
export function LoraSection() {
  const { t } = useText();
  const id = useId();
  const modelId = useStore(formStore, (form) => form.modelId);
  const model = useStore(appStore, (state) => currentModel(state, modelId));
  const loras = useStore(formStore, (form) => form.loras);
  const error = useLorasError();
  if (model?.takesLoras !== true) return null;
  return (
    <section className={styles.section} aria-labelledby={id} data-testid="loras">
      <div className={styles.head}>
        <h2 id={id} className={styles.title}>
          {t('loras.title')}
        </h2>
        <AddLora model={model} />
      </div>
      {loras.length === 0 ? null : (
        <ul className={styles.list} aria-label={t('loras.list')}>
          {loras.map((lora) => (
            <LoraRow key={lora.name} lora={lora} model={model} />
          ))}
        </ul>
      )}
      {error === null ? null : (
        <p className={styles.error} tabIndex={-1} data-invalid="true">
          {error}
        </p>
      )}
      <p className={styles.hint}>{t('loras.tagHint')}</p>
    </section>
  );
}

/** What core refused is about the list as a whole; a number that cannot be read is marked in its row, and told here once Generate was pressed. */
function useLorasError(): string | null {
  const { t } = useText();
  const refused = useStore(formChecksStore, (state) => state.refused.loras);
  const shown = useStore(formChecksStore, (state) => state.all || state.touched.loras === true);
  const modelId = useStore(formStore, (form) => form.modelId);
  const model = useStore(appStore, (state) => currentModel(state, modelId));
  const found = useStore(formStore, (form) => JSON.stringify(checkForm(form, model).loras ?? null));
  const error = refused ?? (shown ? (JSON.parse(found) as FieldError | null) : null);
  if (error === null) return null;
  const { key, ...values } = error;
  return t(`fieldError.${key}`, values);
}
