import { useStore } from 'zustand';
import { useText } from '../../../i18n/useText.ts';
import { advancedSettings, isChanged, resetSettings, type AdvancedId } from '../../../stores/advanced.ts';
import { formStore } from '../../../stores/form.ts';
import { ResetMark } from '../../../ui/ResetMark.tsx';

/** Beside the label of a setting that differs from its default. */
export function ChangedMark({ id }: { readonly id: AdvancedId }) {
  const { t } = useText();
  const setting = advancedSettings.find((candidate) => candidate.id === id);
  const changed = useStore(formStore, (form) => setting !== undefined && isChanged(setting, form));
  if (setting === undefined || !changed) return null;
  return <ResetMark label={t('advanced.reset', { label: t(`advanced.${id}`) })} onReset={() => resetSettings([setting])} />;
}
