import { ImagePlus } from 'lucide-react';
import { cx } from '../../ui/cx.ts';
import styles from './ChooseFile.module.css';

export interface ChooseFileProps {
  readonly label: string;
  readonly invalid?: boolean;
  readonly describedBy?: string;
  readonly size?: 'm' | 's';
  onFile(file: File): void;
}

/** A file input that looks like a button. */
export function ChooseFile({ label, invalid = false, describedBy, size = 'm', onFile }: ChooseFileProps) {
  return (
    <label className={cx(styles.button, size === 's' && styles.small)}>
      <input
        className={styles.input}
        type="file"
        accept="image/*"
        aria-invalid={invalid}
        aria-describedby={invalid ? describedBy : undefined}
        onChange={(event) => {
          const file = event.target.files?.[0];
          // So that the same file can be chosen again.
          event.target.value = '';
          if (file !== undefined) onFile(file);
        }}
      />
      {size === 's' ? null : <ImagePlus aria-hidden />}
      {label}
    </label>
  );
}
