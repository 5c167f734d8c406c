import { ChevronDown } from 'lucide-react';
import type { ButtonHTMLAttributes, ReactNode } from 'react';
import styles from './Chip.module.css';
import { cx } from './cx.ts';

export interface ChipProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly text: string;
  readonly before?: ReactNode;
  readonly after?: ReactNode;
}

/** What is in use, in the top bar, and the way to more of its kind. */
export function Chip({ text, before, after, className, ...rest }: ChipProps) {
  return (
    <button {...rest} type="button" className={cx(styles.chip, className)}>
      {before}
      <span className={styles.text}>{text}</span>
      {after}
      <ChevronDown className={styles.more} aria-hidden />
    </button>
  );
}
