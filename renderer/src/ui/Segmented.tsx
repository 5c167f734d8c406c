import { cx } from './cx.ts';
import styles from './Segmented.module.css';

export interface Segment<V extends string> {
  readonly value: V;
  readonly label: string;
}

export interface SegmentedProps<V extends string> {
  /** Groups the radio inputs; unique on the page. */
  readonly name: string;
  readonly label: string;
  readonly value: V | null;
  readonly segments: readonly Segment<V>[];
  readonly size?: 'm' | 's';
  readonly className?: string | undefined;
  onChange(value: V): void;
}

/** A few choices side by side: radio buttons that look like one control. */
export function Segmented<V extends string>(props: SegmentedProps<V>) {
  const { name, label, value, segments, size = 'm', className, onChange } = props;
  return (
    <div className={cx(styles.group, size === 's' && styles.small, className)} aria-label={label} role="radiogroup">
      {segments.map((segment) => (
        <label key={segment.value} className={styles.segment}>
          <input
            className={styles.input}
            type="radio"
            name={name}
            value={segment.value}
            checked={segment.value === value}
            onChange={() => onChange(segment.value)}
          />
          <span className={styles.text}>{segment.label}</span>
        </label>
      ))}
    </div>
  );
}
