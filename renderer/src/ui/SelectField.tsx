import { cx } from './cx.ts';
import styles from './SelectField.module.css';

export interface SelectOption<V extends string> {
  readonly value: V;
  readonly label: string;
}

export interface SelectFieldProps<V extends string> {
  readonly id: string;
  /** Accessible name where no label element points here. */
  readonly label?: string;
  readonly size?: 'm' | 's';
  readonly value: V;
  readonly options: readonly SelectOption<V>[];
  readonly className?: string | undefined;
  onChange(value: V): void;
}

/** The platform's own select: its keys and its list are what people know; only the closed look is ours. */
export function SelectField<V extends string>({ id, label, size = 'm', value, options, className, onChange }: SelectFieldProps<V>) {
  return (
    <select
      id={id}
      aria-label={label}
      className={cx(styles.select, size === 's' && styles.small, className)}
      value={value}
      onChange={(event) => {
        const chosen = options.find((option) => option.value === event.target.value);
        if (chosen !== undefined) onChange(chosen.value);
      }}
    >
      {options.map((option) => (
        <option key={option.value} value={option.value} className={styles.option}>
          {option.label}
        </option>
      ))}
    </select>
  );
}
