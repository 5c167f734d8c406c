import { useId, type ReactNode } from 'react';
import { FieldGroup, type FieldGroupProps } from '../../../ui/Field.tsx';
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

/** Fields of one setting, side by side. */
export function Row({ children, ...around }: FieldGroupProps) {
  return (
    <FieldGroup {...around}>
      <div className={styles.fields}>{children}</div>
    </FieldGroup>
  );
}
