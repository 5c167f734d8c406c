import { useId } from 'react';
import type { JobSnapshot } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { paceMsOf, paceOf, paces } from '../../stores/pace.ts';
import { changePace } from '../../stores/settingsActions.ts';
import { SelectField, type SelectOption } from '../../ui/SelectField.tsx';

export function LivePace({ job }: { readonly job: JobSnapshot }) {
  const { t, format } = useText();
  const id = useId();
  const pace = paceOf(job.paceMs);
  const options: SelectOption<string>[] = paces.map((value) => ({ value, label: t(`pace.${value}`) }));
  // A pace set by other means than this interface has no name.
  if (pace === null) options.push({ value: 'other', label: format.duration(job.paceMs) });
  return (
    <SelectField
      id={id}
      label={t('run.pace')}
      size="s"
      value={pace ?? 'other'}
      options={options}
      onChange={(value) => {
        const chosen = paces.find((candidate) => candidate === value);
        if (chosen !== undefined) changePace(paceMsOf(chosen));
      }}
    />
  );
}
