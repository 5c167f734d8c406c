import { SlidersHorizontal, Trash2 } from 'lucide-react';
import { useId, useState } from 'react';
import { useStore } from 'zustand';
import type { Model } from '../../../../shared/models.ts';
import { useFailureText } from '../../i18n/useFailureText.ts';
import { useText } from '../../i18n/useText.ts';
import type { FormLora } from '../../stores/form.ts';
import { touchField } from '../../stores/formChecks.ts';
import { isOtherFamily, loraFilesStore } from '../../stores/loraFiles.ts';
import { changeLora, removeLora } from '../../stores/loraForm.ts';
import { loraCourses, loraRange, loraSlider, readStrength } from '../../stores/loraStrength.ts';
import { notify } from '../../stores/notices.ts';
import { cx } from '../../ui/cx.ts';
import { IconButton } from '../../ui/IconButton.tsx';
import { NumberField } from '../../ui/NumberField.tsx';
import { RangeSlider } from '../../ui/RangeSlider.tsx';
import { SelectField } from '../../ui/SelectField.tsx';
import text from '../../ui/text.module.css';
import styles from './LoraRow.module.css';

/** A LoRA of the next run: how strong, and folded away how it runs over the steps and what it does to the text. */
export function LoraRow({ lora, model }: { readonly lora: FormLora; readonly model: Model }) {
  const { t, format } = useText();
  const id = useId();
  const { name, strength, textStrength, course } = lora;
  const [open, setOpen] = useState(false);
  const value = readStrength(strength);
  const textValue = textStrength.trim() === '' ? null : readStrength(textStrength);
  const label = t('loras.strength', { name });
  const textLabel = t('loras.textStrength', { name });
  const courses = [...loraCourses, ...(course === 'own' ? (['own'] as const) : [])];
  return (
    <li className={styles.row} data-testid="lora" data-lora={name}>
      <div className={styles.head}>
        <span className={styles.name} title={name}>
          {name}
        </span>
        <IconButton label={t('loras.more', { name })} icon={<SlidersHorizontal aria-hidden />} size="s" aria-expanded={open} aria-controls={`${id}-more`} onClick={() => setOpen(!open)} />
        <IconButton label={t('loras.remove', { name })} icon={<Trash2 aria-hidden />} size="s" onClick={() => notify('loraRemoved', { name }, removeLora(name))} />
      </div>
      <LoraWarning name={name} model={model} />
      <div className={styles.strength}>
        <RangeSlider
          label={t('loras.strengthSlider', { name })}
          value={Math.min(loraSlider.max, Math.max(loraSlider.min, value ?? 0))}
          {...loraSlider}
          spoken={value === null ? strength : format.number(value)}
          onChange={(next) => changeLora(name, { strength: String(next) })}
        />
        <NumberField
          id={id}
          label={label}
          text={strength}
          {...loraRange}
          step={0.05}
          decimals
          invalid={value === null}
          decreaseLabel={t('common.decrease', { label })}
          increaseLabel={t('common.increase', { label })}
          onText={(next) => changeLora(name, { strength: next })}
          onLeave={() => touchField('loras')}
        />
      </div>
      <div id={`${id}-more`} className={styles.more} hidden={!open}>
        <label className={styles.label} htmlFor={`${id}-course`}>
          {t('loras.course')}
        </label>
        <SelectField
          id={`${id}-course`}
          size="s"
          value={course}
          options={courses.map((known) => ({ value: known, label: t(`loras.courses.${known}`) }))}
          onChange={(next) => changeLora(name, { course: next })}
        />
        <label className={styles.label} htmlFor={`${id}-text`}>
          {t('loras.forText')}
        </label>
        <NumberField
          id={`${id}-text`}
          label={textLabel}
          text={textStrength}
          {...loraRange}
          step={0.05}
          decimals
          invalid={textStrength.trim() !== '' && textValue === null}
          decreaseLabel={t('common.decrease', { label: textLabel })}
          increaseLabel={t('common.increase', { label: textLabel })}
          onText={(next) => changeLora(name, { textStrength: next })}
          // From nothing, a step goes to what it is now.
          onMove={(next) => changeLora(name, { textStrength: textStrength.trim() === '' ? strength : next })}
          onLeave={() => touchField('loras')}
        />
        <p className={cx(text.hint, styles.hint)}>{t('loras.textHint')}</p>
      </div>
    </li>
  );
}

/** What its file says against it; told before a run refuses it. */
function LoraWarning({ name, model }: { readonly name: string; readonly model: Model }) {
  const { t } = useText();
  const failureText = useFailureText();
  const file = useStore(loraFilesStore, ({ files }) => files.find((one) => one.kind === 'lora' && one.name === name));
  const missing = useStore(loraFilesStore, ({ read }) => read) && file === undefined;
  const problem = file === undefined || file.problem === null ? null : failureText(file.problem);
  if (missing) return <p className={text.warning}>{t('loras.missing')}</p>;
  if (problem !== null) return <p className={text.warning}>{problem.message ?? problem.headline}</p>;
  if (file !== undefined && file.family !== null && isOtherFamily(file, model)) return <p className={text.warning}>{t('loras.otherFamily', { family: t(`models.family.${file.family}`) })}</p>;
  return null;
}
