import { useStore } from 'zustand';
import { maxSteps } from '../../../../shared/generation.ts';
import {
  schedulerLabels,
  sigmaSchedulesOf,
  sigmaScheduleLabels,
  type SchedulerId,
} from '../../../../shared/samplers.ts';
import { useText } from '../../i18n/useText.ts';
import { formStore, setForm } from '../../stores/form.ts';
import { touchField } from '../../stores/formChecks.ts';
import { guidanceRange } from '../../stores/formRanges.ts';
import { askedSteps, stepsAct } from '../../stores/stepPlan.ts';
import { FormNumber } from './FormNumber.tsx';
import { FormSelect } from './FormSelect.tsx';
import styles from './rows.module.css';
import { withCurrent } from './withCurrent.ts';

/**
 * What to reach for first, then what costs two model calls a step, what is there for comparison, and what wants a model of its kind.
 * Flow-match Euler is not offered: neither SD nor SDXL models predict a flow.
 */
const groups = [
  { key: 'usual', ids: ['dpmpp_2m', 'dpmpp_2m_sde', 'euler', 'euler_a', 'unipc'] },
  { key: 'twice', ids: ['heun', 'dpm2', 'dpm2_a'] },
  { key: 'other', ids: ['dpmpp_sde', 'dpmpp_2s', 'deis', 'lms', 'pndm', 'ddim', 'ddpm'] },
  { key: 'special', ids: ['lcm', 'tcd'] },
] as const satisfies readonly { readonly key: string; readonly ids: readonly SchedulerId[] }[];

export function SamplingFields() {
  const { t } = useText();
  const scheduler = useStore(formStore, (form) => form.scheduler);
  const sigmaSchedule = useStore(formStore, (form) => form.sigmaSchedule);
  const typed = useStore(formStore, stepsAct);
  const listed = useStore(formStore, askedSteps);
  const offered = withCurrent(sigmaSchedulesOf(scheduler), sigmaSchedule);
  return (
    <>
      <div className={styles.pair}>
        <FormNumber
          field="steps"
          label={t('form.steps')}
          min={1}
          max={maxSteps}
          step={1}
          disabled={!typed}
          hint={typed || listed === null ? undefined : t('form.stepsListed', { count: listed })}
        />
        <FormSelect
          field="scheduler"
          label={t('form.sampler')}
          value={scheduler}
          options={groups.map(({ key, ids }) => ({
            label: t(`samplers.${key}`),
            options: idsOf(key, ids, scheduler).map((value) => ({ value, label: schedulerLabels[value] })),
          }))}
          onChange={(next) => chooseSampler(next)}
        />
      </div>
      <div className={styles.pair}>
        <FormSelect
          field="sigmaSchedule"
          label={t('form.sigmaSchedule')}
          value={sigmaSchedule}
          options={offered.map((value) => ({
            value,
            label: value === 'automatic' ? t('form.automatic') : sigmaScheduleLabels[value],
          }))}
          onChange={(next) => setForm({ sigmaSchedule: next })}
        />
        <FormNumber field="guidanceScale" label={t('form.guidance')} {...guidanceRange} step={0.5} decimals />
      </div>
    </>
  );
}

/** A chosen sampler stays in the list, whatever made it the choice. */
function idsOf(key: string, ids: readonly SchedulerId[], chosen: SchedulerId): readonly SchedulerId[] {
  const isListed = groups.some((group) => group.ids.some((id) => id === chosen));
  return key === 'special' && !isListed ? [...ids, chosen] : ids;
}

/** What the sampler cannot follow stays chosen, and says so. */
function chooseSampler(scheduler: SchedulerId): void {
  setForm({ scheduler });
  for (const field of ['sigmaSchedule', 'timestepSpacing', 'timesteps', 'sigmas'] as const) touchField(field);
}
