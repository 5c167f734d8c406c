import type { ReactNode } from 'react';
import { cx } from './cx.ts';
import styles from './Field.module.css';

export interface FieldProps {
  readonly id: string;
  readonly label: string;
  readonly error?: string | null;
  /** Beside the label, at the right. */
  readonly aside?: ReactNode;
  readonly hint?: ReactNode;
  readonly className?: string | undefined;
  readonly children: ReactNode;
}

/** Ids of a field's parts, for `aria-describedby`. */
export function errorId(id: string): string {
  return `${id}-error`;
}

export function Field({ id, label, error = null, aside, hint, className, children }: FieldProps) {
  return (
    <div className={cx(styles.field, className)}>
      <div className={styles.head}>
        <label className={styles.label} htmlFor={id}>
          {label}
        </label>
        {aside}
      </div>
      {children}
      {error === null ? null : (
        <p id={errorId(id)} className={styles.error}>
          {error}
        </p>
      )}
      {hint === undefined || error !== null ? null : <div className={styles.hint}>{hint}</div>}
    </div>
  );
}
