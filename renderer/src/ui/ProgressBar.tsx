import { cx } from './cx.ts';
import styles from './ProgressBar.module.css';

export interface ProgressBarProps {
  readonly label: string;
  /** 0 to 1. */
  readonly share: number;
  /** It does not move at present. */
  readonly still?: boolean;
  readonly className?: string | undefined;
}

export function ProgressBar({ label, share, still = false, className }: ProgressBarProps) {
  return (
    <div className={cx(styles.track, className)} role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.floor(100 * share)}>
      <div className={cx(styles.bar, still && styles.still)} style={{ transform: `scaleX(${share})` }} />
    </div>
  );
}
