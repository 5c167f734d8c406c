import { useId } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../../i18n/useText.ts';
import { formStore, setForm } from '../../../stores/form.ts';
import { smsRange, threadsRange } from '../../../stores/formRanges.ts';
import { Field } from '../../../ui/Field.tsx';
import { SelectField } from '../../../ui/SelectField.tsx';
import { FormNumber } from '../FormNumber.tsx';
import rows from '../rows.module.css';
import { ChangedMark } from './ChangedMark.tsx';
import { Choice } from './Choice.tsx';
import { cards } from './cards.ts';
import { Group } from './Group.tsx';

const kinds = ['torch-cpu', 'torch-cuda', 'a1111-nv'] as const;

/** Whose pictures a seed should give again. */
export function NoiseSettings() {
  const { t } = useText();
  const id = useId();
  const noise = useStore(formStore, (form) => form.noise);
  const batchSeeds = useStore(formStore, (form) => form.batchSeeds);
  return (
    <Group title={t('advanced.noiseGroup')}>
      <Field id={id} label={t('advanced.noise')} aside={<ChangedMark id="noise" />} hint={t(`advanced.noiseHint.${noise}`)}>
        <SelectField
          id={id}
          value={noise}
          options={kinds.map((value) => ({ value, label: t(`advanced.noiseKind.${value}`) }))}
          onChange={(next) => setForm({ noise: next })}
        />
      </Field>
      {noise === 'torch-cuda' ? <CardFields /> : null}
      <Choice
        id="batchSeeds"
        value={batchSeeds}
        segments={[
          { value: 'per-image', label: t('advanced.batchPerImage') },
          { value: 'shared', label: t('advanced.batchShared') },
        ]}
        hint={t(batchSeeds === 'shared' ? 'advanced.batchSharedHint' : 'advanced.batchPerImageHint')}
        onChange={(next) => setForm({ batchSeeds: next })}
      />
    </Group>
  );
}

/** The card decides how many values are drawn at once, and so which value falls where. */
function CardFields() {
  const { t } = useText();
  const id = useId();
  const sms = useStore(formStore, (form) => form.sms.trim());
  const threads = useStore(formStore, (form) => form.threadsPerSm.trim());
  const known = cards.find((card) => String(card.sms) === sms && String(card.threadsPerSm) === threads);
  return (
    <>
      <Field id={id} label={t('advanced.card')}>
        <SelectField
          id={id}
          value={known?.name ?? ''}
          options={[
            ...cards.map(({ name }) => ({ value: name, label: name })),
            ...(known === undefined ? [{ value: '', label: t('advanced.otherCard') }] : []),
          ]}
          onChange={(name) => {
            const card = cards.find((candidate) => candidate.name === name);
            if (card !== undefined) setForm({ sms: String(card.sms), threadsPerSm: String(card.threadsPerSm) });
          }}
        />
      </Field>
      <div className={rows.pair}>
        <FormNumber field="sms" label={t('advanced.sms')} {...smsRange} step={1} />
        <FormNumber field="threadsPerSm" label={t('advanced.threadsPerSm')} {...threadsRange} step={256} />
      </div>
    </>
  );
}
