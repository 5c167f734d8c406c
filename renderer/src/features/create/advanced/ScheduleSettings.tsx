import { useStore } from 'zustand';
import { timestepSpacingLabels, timestepSpacingsOf } from '../../../../../shared/samplers.ts';
import { useText } from '../../../i18n/useText.ts';
import { formStore, setForm } from '../../../stores/form.ts';
import { unitRange } from '../../../stores/formRanges.ts';
import { usesEta } from '../../../stores/stepPlan.ts';
import { FormNumber } from '../FormNumber.tsx';
import { FormSelect } from '../FormSelect.tsx';
import { FormText } from '../FormText.tsx';
import { withCurrent } from '../withCurrent.ts';
import { ChangedMark } from './ChangedMark.tsx';
import { Group } from './Group.tsx';

/** Which noise levels the run goes through. */
export function ScheduleSettings() {
  const { t } = useText();
  const spacing = useStore(formStore, (form) => form.timestepSpacing);
  const scheduler = useStore(formStore, (form) => form.scheduler);
  const eta = useStore(formStore, (form) => usesEta(form.scheduler));
  return (
    <Group title={t('advanced.schedule')}>
      <FormSelect
        field="timestepSpacing"
        label={t('advanced.timestepSpacing')}
        value={spacing}
        options={withCurrent(timestepSpacingsOf(scheduler), spacing).map((value) => ({
          value,
          label: value === 'automatic' ? t('form.automatic') : timestepSpacingLabels[value],
        }))}
        aside={<ChangedMark id="timestepSpacing" />}
        onChange={(next) => setForm({ timestepSpacing: next })}
      />
      {eta ? (
        <FormNumber
          field="eta"
          label={t('advanced.eta')}
          {...unitRange}
          step={0.1}
          decimals
          aside={<ChangedMark id="eta" />}
          hint={t('advanced.etaHint')}
        />
      ) : null}
      <FormText field="timesteps" label={t('advanced.timesteps')} placeholder="999, 850, 736, 645" aside={<ChangedMark id="timesteps" />} />
      <FormText
        field="sigmas"
        label={t('advanced.sigmas')}
        placeholder="14.6, 6.5, 2.8, 0"
        aside={<ChangedMark id="sigmas" />}
        hint={t('advanced.listHint')}
      />
    </Group>
  );
}
