import { useId, useState } from 'react';
import { useStore } from 'zustand';
import { settingsSchema } from '../../../../shared/contract.ts';
import { useText } from '../../i18n/useText.ts';
import { settingsStore } from '../../stores/settings.ts';
import { changeSettings } from '../../stores/settingsActions.ts';
import { Field } from '../../ui/Field.tsx';
import { NumberField } from '../../ui/NumberField.tsx';

const schema = settingsSchema.shape.runsLimitMiB;
const min = schema.minValue ?? 0;
const max = schema.maxValue ?? Infinity;
const stepMiB = 512;

/** How much of the disk the steps of all runs may take. */
export function RunsLimit() {
  const { t, format } = useText();
  const id = useId();
  const limit = useStore(settingsStore, (settings) => settings.runsLimitMiB);
  // null: as it is in use.
  const [draft, setDraft] = useState<string | null>(null);
  const text = draft ?? String(limit);
  const value = schema.safeParse(text.trim() === '' ? NaN : Number(text));
  const label = t('settings.runsLimit');
  const take = (): void => {
    if (!value.success) return;
    setDraft(null);
    if (value.data !== limit) void changeSettings({ runsLimitMiB: value.data });
  };
  return (
    <form
      aria-label={label}
      onSubmit={(event) => {
        event.preventDefault();
        take();
      }}
    >
      <Field
        id={id}
        label={label}
        error={value.success ? null : t('settings.runsLimitError', { min, max })}
        hint={t('settings.runsLimitHint', { size: format.bytes((value.success ? value.data : limit) * 2 ** 20) })}
      >
        <NumberField
          id={id}
          text={text}
          min={min}
          max={max}
          step={stepMiB}
          invalid={!value.success}
          decreaseLabel={t('common.decrease', { label })}
          increaseLabel={t('common.increase', { label })}
          onText={setDraft}
          onMove={(next) => {
            setDraft(null);
            void changeSettings({ runsLimitMiB: Number(next) });
          }}
          onLeave={take}
        />
      </Field>
    </form>
  );
}
