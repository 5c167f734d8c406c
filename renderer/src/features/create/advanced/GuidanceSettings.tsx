import { useId, type ReactNode } from 'react';
import { useStore } from 'zustand';
import { useFieldError } from '../../../i18n/useFieldError.ts';
import { useText } from '../../../i18n/useText.ts';
import { formStore, setForm } from '../../../stores/form.ts';
import { everyRange, guidanceRange, mostRange, unitRange } from '../../../stores/formRanges.ts';
import { everyLabel, offeredReuses } from '../../../stores/reuses.ts';
import { useModel } from '../../../stores/useModel.ts';
import { Field, FieldGroup } from '../../../ui/Field.tsx';
import { SelectField } from '../../../ui/SelectField.tsx';
import { FormNumber } from '../FormNumber.tsx';
import { FormText } from '../FormText.tsx';
import { ChangedMark } from './ChangedMark.tsx';
import { Group, Row } from './Group.tsx';

/** How strongly, and how long, the prompt pulls. */
export function GuidanceSettings({ curve }: { readonly curve: ReactNode }) {
  const { t } = useText();
  const kind = useStore(formStore, (form) => form.guidanceCurve);
  const error = useFieldError('guidanceCurve');
  return (
    <Group title={t('advanced.guidance')}>
      <FieldGroup named label={t('advanced.guidanceCurve')} aside={<ChangedMark id="guidanceCurve" />} error={error}>
        {curve}
      </FieldGroup>
      {kind === 'linear' || kind === 'cosine' ? (
        <FormNumber field="guidanceTo" label={t('advanced.guidanceTo')} {...guidanceRange} step={0.5} decimals />
      ) : null}
      {kind === 'list' ? <FormText field="guidanceScales" label={t('advanced.guidanceScales')} placeholder="9, 8, 7, 6" /> : null}
      <Row label={t('advanced.guidanceInterval')} aside={<ChangedMark id="guidanceInterval" />} hint={t('advanced.guidanceIntervalHint')}>
        <FormText field="sigmaLow" label={t('advanced.sigmaLow')} placeholder={t('advanced.noBound')} />
        <FormText field="sigmaHigh" label={t('advanced.sigmaHigh')} placeholder={t('advanced.noBound')} />
      </Row>
      <FormNumber
        field="guidanceRescale"
        label={t('advanced.guidanceRescale')}
        {...unitRange}
        step={0.05}
        decimals
        aside={<ChangedMark id="guidanceRescale" />}
      />
      <DraftSettings />
    </Group>
  );
}

/** Fewer model calls for another picture: never on by itself, and called what it is. */
function DraftSettings() {
  const { t } = useText();
  const id = useId();
  const reuse = useStore(formStore, (form) => form.reuse);
  const model = useModel();
  return (
    <>
      <Field id={id} label={t('advanced.reuse')} aside={<ChangedMark id="reuse" />} hint={t(`advanced.reuseHint.${reuse}`)}>
        <SelectField
          id={id}
          value={reuse}
          options={offeredReuses(model, reuse).map((value) => ({ value, label: t(`advanced.reuseKind.${value}`) }))}
          onChange={(next) => setForm({ reuse: next })}
        />
      </Field>
      {reuse === 'unconditional' || reuse === 'features' ? <FormNumber field="reuseEvery" label={t(`advanced.${everyLabel[reuse]}`)} {...everyRange} step={1} /> : null}
      {reuse === 'steps' ? (
        <Row label={t('advanced.reuseKind.steps')}>
          <FormNumber field="reuseThreshold" label={t('advanced.reuseThreshold')} {...unitRange} step={0.01} decimals />
          <FormNumber field="reuseMost" label={t('advanced.reuseMost')} {...mostRange} step={1} />
        </Row>
      ) : null}
    </>
  );
}
