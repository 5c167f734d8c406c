import type { HTMLAttributes, ReactNode } from 'react';
import { cx } from './cx.ts';
import styles from './Section.module.css';

/** The parts of a dialog below each other. */
export function Sections({ className, ...rest }: HTMLAttributes<HTMLDivElement>) {
  return <div {...rest} className={cx(styles.sections, className)} />;
}

export interface SectionProps extends HTMLAttributes<HTMLElement> {
  /** Of its heading; unique on the page. */
  readonly id: string;
  readonly title: string;
  readonly hint?: string;
  readonly children: ReactNode;
}

/** A part of a dialog under its heading. */
export function Section({ id, title, hint, children, ...rest }: SectionProps) {
  return (
    <section {...rest} aria-labelledby={id}>
      <h3 id={id} className={styles.heading}>
        {title}
      </h3>
      {children}
      {hint === undefined ? null : <p className={styles.hint}>{hint}</p>}
    </section>
  );
}

/** Rows or cards close below each other. */
export function List({ className, ...rest }: HTMLAttributes<HTMLUListElement>) {
  return <ul {...rest} className={cx(styles.list, className)} />;
}
