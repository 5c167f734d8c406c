import { useId } from 'react';
import { useStore } from 'zustand';
import { useFieldError } from '../../i18n/useFieldError.ts';
import { useText, type Text } from '../../i18n/useText.ts';
import { formStore, setForm } from '../../stores/form.ts';
import { forgetRefusal, touchField } from '../../stores/formChecks.ts';
import { readNumber } from '../../stores/readText.ts';
import { formPlan, formSchedule, leastStrength, startsByShare, strengthKey } from '../../stores/stepPlan.ts';
import { useModel } from '../../stores/useModel.ts';
import { Field } from '../../ui/Field.tsx';
import { NumberField } from '../../ui/NumberField.tsx';
import { RangeSlider } from '../../ui/RangeSlider.tsx';
import styles from './StrengthField.module.css';

const range = { min: 0.01, max: 1 };

/** How far the start goes back to noise, and so how many of the steps are run. */
export function StrengthField() {
  const { t } = useText();
  const id = useId();
  const model = useModel();
  const form = useStore(formStore);
  const checked = useFieldError('strength');
  const key = strengthKey(form);
  const text = form[key];
  const byShare = startsByShare(form, model);
  const whole = formSchedule(form);
  const plan = formPlan(form);
  // Nothing would run: that is said at once, not only when the field was left.
  const nothing = byShare || whole === null || plan?.calls !== 0 ? null : t('fieldError.strength', { least: leastStrength(whole), steps: whole.asked });
  const error = checked ?? nothing;
  const hint = byShare ? t('form.strengthByShare') : plan === null ? undefined : stepsText(plan.run, plan.asked, plan.calls, t);
  const label = t('form.strength');
  const set = (next: string): void => {
    forgetRefusal('strength');
    setForm({ [key]: next });
    touchField('strength');
  };
  return (
    <div data-testid="strength">
      <Field id={id} label={label} error={error} hint={hint}>
        <div className={styles.row}>
          <RangeSlider
            label={t('form.strengthSlider')}
            value={Math.min(range.max, Math.max(range.min, readNumber(text) ?? range.max))}
            {...range}
            step={0.01}
            disabled={byShare}
            spoken={hint === undefined ? text : `${text}. ${hint}`}
            onChange={(next) => set(String(next))}
          />
          <NumberField
            id={id}
            text={text}
            {...range}
            step={0.05}
            decimals
            disabled={byShare}
            invalid={error !== null}
            decreaseLabel={t('common.decrease', { label })}
            increaseLabel={t('common.increase', { label })}
            onText={(next) => {
              forgetRefusal('strength');
              setForm({ [key]: next });
            }}
            onMove={set}
            onLeave={() => touchField('strength')}
          />
        </div>
      </Field>
    </div>
  );
}

function stepsText(run: number, asked: number, calls: number, t: Text['t']): string {
  const steps = t('form.strengthSteps', { run, count: asked });
  return calls === run ? steps : `${steps} · ${t('form.modelCalls', { count: calls })}`;
}
