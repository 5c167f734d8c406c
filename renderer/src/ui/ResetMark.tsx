import { RotateCcw } from 'lucide-react';
import { IconButton } from './IconButton.tsx';
import styles from './ResetMark.module.css';

/** Beside the label of a field that is not as it was: says so, and takes it back. */
export function ResetMark({ label, onReset }: { readonly label: string; onReset(): void }) {
  return (
    <span className={styles.mark}>
      <IconButton className={styles.reset} label={label} icon={<RotateCcw aria-hidden />} size="s" onClick={onReset} />
    </span>
  );
}
