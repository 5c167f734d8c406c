import { RotateCcw } from 'lucide-react';
import { useStore } from 'zustand';
import { useText } from '../../../i18n/useText.ts';
import { advancedSettings, isChanged, resetSettings, type AdvancedId } from '../../../stores/advanced.ts';
import { formStore } from '../../../stores/form.ts';
import { IconButton } from '../../../ui/IconButton.tsx';
import styles from './ChangedMark.module.css';

/** Beside the label of a setting that differs from its default: says so, and takes it back. */
export function ChangedMark({ id }: { readonly id: AdvancedId }) {
  const { t } = useText();
  const setting = advancedSettings.find((candidate) => candidate.id === id);
  const changed = useStore(formStore, (form) => setting !== undefined && isChanged(setting, form));
  if (setting === undefined || !changed) return null;
  return (
    <span className={styles.mark} data-changed={id}>
      <IconButton
        className={styles.reset}
        label={t('advanced.reset', { label: t(`advanced.${id}`) })}
        icon={<RotateCcw aria-hidden />}
        size="s"
        onClick={() => resetSettings([setting])}
      />
    </span>
  );
}
