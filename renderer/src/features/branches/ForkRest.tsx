import { useId } from 'react';
import { maxSteps } from '../../../../shared/generation.ts';
import { type SchedulerId, schedulerIds, schedulerLabels, sigmaScheduleLabels, sigmaSchedulesOf } from '../../../../shared/samplers.ts';
import { useText } from '../../i18n/useText.ts';
import { fieldsOf } from '../../stores/forkDraft.ts';
import { Field } from '../../ui/Field.tsx';
import { NumberField } from '../../ui/NumberField.tsx';
import { SelectField } from '../../ui/SelectField.tsx';
import type { ForkPartProps } from './ForkFields.tsx';
import styles from './ForkFields.module.css';
import { UndoChange } from './UndoChange.tsx';
import { useForkError } from './useForkError.ts';

/** How the steps to come are planned: how many, with which sampler. */
export function ForkRest({ base, changes, errors, onChange }: ForkPartProps) {
  const { t } = useText();
  const ids = { steps: useId(), sampler: useId(), schedule: useId() };
  const fields = fieldsOf(base, changes);
  const stepsError = useForkError(errors.stepsLeft);
  const scheduleError = useForkError(errors.sigmaSchedule);
  const label = t('fork.stepsLeft');
  const offered = sigmaSchedulesOf(fields.scheduler);
  const changed = changes.stepsLeft !== undefined || changes.scheduler !== undefined || changes.sigmaSchedule !== undefined;
  return (
    <details className={styles.rest} open={changed ? true : undefined}>
      <summary>
        {t('fork.rest')}
        <span className={styles.value}>
          {fields.stepsLeft} · {schedulerLabels[fields.scheduler]}
        </span>
      </summary>
      <div className={styles.inside}>
        <Field
          id={ids.steps}
          label={label}
          error={stepsError}
          aside={changes.stepsLeft === undefined ? undefined : <UndoChange label={label} onUndo={() => onChange({ stepsLeft: base.fields.stepsLeft })} />}
          hint={changes.stepsLeft === undefined ? undefined : t('fork.stepsLeftHint', { count: Number(base.fields.stepsLeft) })}
        >
          <NumberField
            id={ids.steps}
            text={fields.stepsLeft}
            min={1}
            max={maxSteps}
            step={1}
            invalid={stepsError !== null}
            decreaseLabel={t('common.decrease', { label })}
            increaseLabel={t('common.increase', { label })}
            onText={(stepsLeft) => onChange({ stepsLeft })}
          />
        </Field>
        <Field
          id={ids.sampler}
          label={t('fork.sampler')}
          aside={changes.scheduler === undefined ? undefined : <UndoChange label={t('fork.sampler')} onUndo={() => onChange({ scheduler: base.fields.scheduler })} />}
        >
          <SelectField
            id={ids.sampler}
            value={fields.scheduler}
            options={samplersFor(fields.scheduler).map((value) => ({ value, label: schedulerLabels[value] }))}
            onChange={(scheduler) => onChange({ scheduler })}
          />
        </Field>
        <Field
          id={ids.schedule}
          label={t('fork.schedule')}
          error={scheduleError}
          aside={
            changes.sigmaSchedule === undefined ? undefined : <UndoChange label={t('fork.schedule')} onUndo={() => onChange({ sigmaSchedule: base.fields.sigmaSchedule })} />
          }
        >
          <SelectField
            id={ids.schedule}
            value={fields.sigmaSchedule}
            invalid={scheduleError !== null}
            options={[...offered, ...(offered.includes(fields.sigmaSchedule) ? [] : [fields.sigmaSchedule])].map((value) => ({
              value,
              label: value === 'automatic' ? t('form.automatic') : sigmaScheduleLabels[value],
            }))}
            onChange={(sigmaSchedule) => onChange({ sigmaSchedule })}
          />
        </Field>
      </div>
    </details>
  );
}

/** Flow-match Euler stays with the runs that have it: neither SD nor SDXL models predict a flow. */
function samplersFor(chosen: SchedulerId): readonly SchedulerId[] {
  return schedulerIds.filter((id) => id !== 'flow_euler' || id === chosen);
}
