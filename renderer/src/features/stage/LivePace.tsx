import { memo, useId } from 'react';
import { useText } from '../../i18n/useText.ts';
import { paceMsOf, paceOf, paces } from '../../stores/pace.ts';
import { changePace } from '../../stores/settingsActions.ts';
import { SelectField, type SelectOption } from '../../ui/SelectField.tsx';

export const LivePace = memo(function LivePace({ paceMs }: { readonly paceMs: number }) {
  const { t, format } = useText();
  const id = useId();
  const pace = paceOf(paceMs);
  const options: SelectOption<string>[] = paces.map((value) => ({ value, label: t(`pace.${value}`) }));
  // A pace set by other means than this interface has no name.
  if (pace === null) options.push({ value: 'other', label: format.duration(paceMs) });
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
});
