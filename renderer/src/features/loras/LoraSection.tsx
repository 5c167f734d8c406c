import { useId } from 'react';
import { useStore } from 'zustand';
import { useFieldError } from '../../i18n/useFieldError.ts';
import { useText } from '../../i18n/useText.ts';
import { formStore } from '../../stores/form.ts';
import { useModel } from '../../stores/useModel.ts';
import { ErrorLine } from '../../ui/Field.tsx';
import { List } from '../../ui/Section.tsx';
import text from '../../ui/text.module.css';
import { AddLora } from './AddLora.tsx';
import { LoraRow } from './LoraRow.tsx';
import styles from './LoraSection.module.css';

/** The LoRAs of the next run, for models that take them. */
export function LoraSection() {
  const { t } = useText();
  const id = useId();
  const model = useModel();
  const loras = useStore(formStore, (form) => form.loras);
  const error = useFieldError('loras');
  if (model?.takesLoras !== true) return null;
  return (
    <section className={styles.section} aria-labelledby={id} data-testid="loras">
      <div className={styles.head}>
        <h2 id={id} className={text.label}>
          {t('loras.title')}
        </h2>
        <AddLora model={model} />
      </div>
      {loras.length === 0 ? null : (
        <List aria-label={t('loras.list')}>
          {loras.map((lora) => (
            <LoraRow key={lora.name} lora={lora} model={model} />
          ))}
        </List>
      )}
      <ErrorLine error={error} />
      <p className={text.hint}>{t('loras.tagHint')}</p>
    </section>
  );
}
