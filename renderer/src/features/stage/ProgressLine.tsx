import styles from './ProgressLine.module.css';

export interface ProgressLineProps {
  readonly label: string;
  readonly done: number;
  readonly total: number;
  readonly spoken: string;
}

export function ProgressLine({ label, done, total, spoken }: ProgressLineProps) {
  return (
    <div
      className={styles.line}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={total}
      aria-valuenow={done}
      aria-valuetext={spoken}
    >
      <div className={styles.done} style={{ transform: `scaleX(${String(total === 0 ? 0 : done / total)})` }} />
    </div>
  );
}
