import { useId } from 'react';
import { useStore } from 'zustand';
import { useText, type Text } from '../../i18n/useText.ts';
import { useFormScales, type FormScales } from '../../stores/curveForm.ts';
import { unguidedFrom } from '../../stores/curvePlan.ts';
import { formStore, setForm } from '../../stores/form.ts';
import { unitRange } from '../../stores/formRanges.ts';
import { cutoffRange } from '../../stores/formRequest.ts';
import { readNumber } from '../../stores/readText.ts';
import { Field } from '../../ui/Field.tsx';
import { RangeSlider } from '../../ui/RangeSlider.tsx';
import { Segmented } from '../../ui/Segmented.tsx';
import styles from './CutoffField.module.css';
import { FormNumber } from './FormNumber.tsx';

const ways = ['step', 'evidence'] as const;

/** Until when the picture is guided: up to a step, or until the two predictions agree. */
export function CutoffField() {
  const { t } = useText();
  const by = useStore(formStore, (form) => form.cutoffBy);
  return (
    <div className={styles.cutoff} data-testid="cutoff">
      {by === 'step' ? <StepCutoff /> : <EvidenceCutoff />}
      <Segmented
        name="cutoff-by"
        label={t('form.cutoffBy')}
        size="s"
        value={by}
        segments={ways.map((value) => ({ value, label: t(`form.cutoffWay.${value}`) }))}
        onChange={(cutoffBy) => setForm({ cutoffBy })}
      />
    </div>
  );
}

/** The whole range 0..T; at T guidance never ends. */
function StepCutoff() {
  const text = useText();
  const { t } = text;
  const id = useId();
  const total = useStore(formStore, cutoffRange);
  const cutoff = useStore(formStore, (form) => form.cutoff);
  const plan = useFormScales();
  // The scale alone guides no step, so that there is nothing to end.
  const unguided = useStore(formStore, (form) => form.guidanceCurve === 'constant' && (readNumber(form.guidanceScale) ?? 2) <= 1);
  const steps = Math.max(1, total ?? 1);
  const guided = Math.min(cutoff ?? steps, steps);
  return (
    <Field
      id={id}
      label={t('form.cutoff')}
      aside={<output className={styles.value}>{valueText(guided, steps, text)}</output>}
      hint={unguided ? t('form.cutoffUnguided') : hintText(guided, steps, plan, text)}
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
  );
}

function EvidenceCutoff() {
  const { t } = useText();
  return (
    <FormNumber field="cutoffCosine" label={t('form.cutoffCosine')} {...unitRange} step={0.001} decimals hint={t('form.cutoffEvidence')} />
  );
}

function valueText(guided: number, total: number, { t }: Text): string {
  if (guided === total) return t('form.cutoffNever');
  return guided === 0 ? t('form.cutoffNone') : t('form.cutoffAt', { guided, total });
}

function hintText(guided: number, total: number, { scales, forecast }: FormScales, { t, format }: Text): string {
  const calls = t('form.modelCalls', { count: forecast.calls });
  const values = { guided: forecast.guided, total: forecast.total, calls, percent: format.percent(forecast.fewer) };
  const cost = forecast.isMost ? t('curve.forecastMost', values) : forecast.fewer > 0 ? t('curve.forecast', values) : t('curve.forecastAll', values);
  const from = unguidedFrom(scales);
  const parts = [cost];
  if (from !== null) parts.push(from === 0 ? t('curve.negativeNever') : t('curve.negativeEnds', { step: from + 1 }));
  // As in diffusers' SDCFGCutoffCallback: off at the end of step index trunc(T * ratio).
  if (guided > 0 && guided < total) parts.push(t('form.cutoffRatio', { ratio: format.number((guided - 1) / total, 2, 2) }));
  return parts.join(' · ');
}
