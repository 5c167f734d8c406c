import { RotateCcw } from 'lucide-react';
import { useText } from '../../i18n/useText.ts';
import { IconButton } from '../../ui/IconButton.tsx';
import styles from './UndoChange.module.css';

/** Beside the label of a field that differs from the run: says so, and takes it back. */
export function UndoChange({ label, onUndo }: { readonly label: string; onUndo(): void }) {
  const { t } = useText();
  return (
    <span className={styles.mark}>
      <IconButton className={styles.undo} label={t('fork.undoChange', { label })} icon={<RotateCcw aria-hidden />} size="s" onClick={onUndo} />
    </span>
  );
}
