import { useId } from 'react';
import { useStore } from 'zustand';
import { useText, type Text } from '../../i18n/useText.ts';
import { formStore, setForm } from '../../stores/form.ts';
import { cutoffRange } from '../../stores/formRequest.ts';
import { readNumber } from '../../stores/readText.ts';
import { savedShare } from '../../stores/runProgress.ts';
import { Field } from '../../ui/Field.tsx';
import { RangeSlider } from '../../ui/RangeSlider.tsx';
import styles from './CutoffField.module.css';

/** Until which step the picture is guided. The whole range 0..T; at T guidance never ends. */
export function CutoffField() {
  const text = useText();
  const { t } = text;
  const id = useId();
  const total = useStore(formStore, cutoffRange);
  const cutoff = useStore(formStore, (form) => form.cutoff);
  const unguided = useStore(formStore, (form) => (readNumber(form.guidanceScale) ?? 2) <= 1);
  const steps = Math.max(1, total ?? 1);
  const guided = Math.min(cutoff ?? steps, steps);
  return (
    <div data-testid="cutoff">
      <Field
        id={id}
        label={t('form.cutoff')}
        aside={<output className={styles.value}>{valueText(guided, steps, text)}</output>}
        hint={unguided ? t('form.cutoffUnguided') : hintText(guided, steps, text)}
      >
        <RangeSlider
          id={id}
          value={guided}
          min={0}
          max={steps}
          disabled={total === null || total === 0 || unguided}
          spoken={t('form.cutoffSpoken', { guided, total: steps })}
          onChange={(next) => setForm({ cutoff: next >= steps ? null : next })}
        />
      </Field>
    </div>
  );
}

function valueText(guided: number, total: number, { t }: Text): string {
  if (guided === total) return t('form.cutoffNever');
  return guided === 0 ? t('form.cutoffNone') : t('form.cutoffAt', { guided, total });
}

function hintText(guided: number, total: number, { t, format }: Text): string {
  if (guided === total) return t('form.cutoffHintNever');
  const saved = { count: total - guided, percent: format.percent(savedShare(total - guided, total)) };
  if (guided === 0) return t('form.cutoffHintNone', saved);
  // As in diffusers' SDCFGCutoffCallback: off at the end of step index trunc(T * ratio).
  return t('form.cutoffHint', { ratio: format.number((guided - 1) / total, 2, 2), ...saved });
}
