import type { ReactNode } from 'react';
import styles from './SettingRow.module.css';

export interface SettingRowProps {
  readonly label: string;
  readonly hint?: string;
  /** The control the label names; a group of radio buttons names itself. */
  readonly controlId?: string;
  readonly children: ReactNode;
}

export function SettingRow({ label, hint, controlId, children }: SettingRowProps) {
  return (
    <div className={styles.row}>
      {controlId === undefined ? (
        <span className={styles.label} aria-hidden>
          {label}
        </span>
      ) : (
        <label className={styles.label} htmlFor={controlId}>
          {label}
        </label>
      )}
      <div className={styles.control}>{children}</div>
      {hint === undefined ? null : <p className={styles.hint}>{hint}</p>}
    </div>
  );
}
