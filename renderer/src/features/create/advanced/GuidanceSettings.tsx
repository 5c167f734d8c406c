import { useStore } from 'zustand';
import { useText } from '../../../i18n/useText.ts';
import { formStore, setForm } from '../../../stores/form.ts';
import { guidanceRange, unitRange } from '../../../stores/formErrors.ts';
import { FormNumber } from '../FormNumber.tsx';
import { FormText } from '../FormText.tsx';
import { ChangedMark } from './ChangedMark.tsx';
import { Choice } from './Choice.tsx';
import { Group, Row } from './Group.tsx';

const curves = ['constant', 'linear', 'cosine', 'list'] as const;

/** How strongly, and how long, the prompt pulls. */
export function GuidanceSettings() {
  const { t } = useText();
  const curve = useStore(formStore, (form) => form.guidanceCurve);
  const scale = useStore(formStore, (form) => form.guidanceScale);
  return (
    <Group title={t('advanced.guidance')}>
      <Choice
        id="guidanceCurve"
        value={curve}
        segments={curves.map((value) => ({ value, label: t(`advanced.curve.${value}`) }))}
        hint={curve === 'constant' ? undefined : t(`advanced.curveHint.${curve}`, { scale })}
        onChange={(next) => setForm({ guidanceCurve: next })}
      />
      {curve === 'linear' || curve === 'cosine' ? (
        <FormNumber field="guidanceTo" label={t('advanced.guidanceTo')} {...guidanceRange} step={0.5} decimals />
      ) : null}
      {curve === 'list' ? <FormText field="guidanceScales" label={t('advanced.guidanceScales')} placeholder="9, 8, 7, 6" /> : null}
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
    </Group>
  );
}
