import { useId, type ReactNode } from 'react';
import styles from './Group.module.css';

export interface GroupProps {
  readonly title: string;
  readonly children: ReactNode;
}

/** Settings that belong together, under a heading. */
export function Group({ title, children }: GroupProps) {
  const id = useId();
  return (
    <div className={styles.group} role="group" aria-labelledby={id}>
      <h3 id={id} className={styles.title}>
        {title}
      </h3>
      {children}
    </div>
  );
}

export interface RowProps {
  /** What its fields have in common, where their own labels do not say it. */
  readonly label: string;
  readonly aside?: ReactNode;
  readonly hint?: string | undefined;
  readonly children: ReactNode;
}

/** Fields of one setting, side by side. */
export function Row({ label, aside, hint, children }: RowProps) {
  const id = useId();
  return (
    <div className={styles.row} role="group" aria-labelledby={id}>
      <div className={styles.head}>
        <span id={id} className={styles.label}>
          {label}
        </span>
        {aside}
      </div>
      <div className={styles.fields}>{children}</div>
      {hint === undefined ? null : <p className={styles.hint}>{hint}</p>}
    </div>
  );
}
