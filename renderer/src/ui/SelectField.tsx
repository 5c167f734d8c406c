import control from './control.module.css';
import { cx } from './cx.ts';
import { errorId } from './Field.tsx';
import styles from './SelectField.module.css';

export interface SelectOption<V extends string> {
  readonly value: V;
  readonly label: string;
}

export interface SelectGroup<V extends string> {
  readonly label: string;
  readonly options: readonly SelectOption<V>[];
}

export interface SelectFieldProps<V extends string> {
  readonly id: string;
  /** Accessible name where no label element points here. */
  readonly label?: string;
  readonly size?: 'm' | 's';
  readonly value: V;
  readonly options: readonly (SelectOption<V> | SelectGroup<V>)[];
  readonly invalid?: boolean;
  readonly className?: string | undefined;
  onChange(value: V): void;
}

/** The platform's own select: its keys and its list are what people know; only the closed look is ours. */
export function SelectField<V extends string>(props: SelectFieldProps<V>) {
  const { id, label, size = 'm', value, options, invalid = false, className, onChange } = props;
  const all = options.flatMap((entry) => ('options' in entry ? entry.options : [entry]));
  return (
    <select
      id={id}
      aria-label={label}
      className={cx(control.control, styles.select, size === 's' && styles.small, className)}
      value={value}
      {...(invalid ? { 'aria-invalid': true, 'aria-describedby': errorId(id) } : {})}
      onChange={(event) => {
        const chosen = all.find((option) => option.value === event.target.value);
        if (chosen !== undefined) onChange(chosen.value);
      }}
    >
      {options.map((entry) =>
        'options' in entry ? (
          <optgroup key={entry.label} label={entry.label} className={styles.group}>
            {entry.options.map(optionOf)}
          </optgroup>
        ) : (
          optionOf(entry)
        ),
      )}
    </select>
  );
}

function optionOf(option: SelectOption<string>) {
  return (
    <option key={option.value} value={option.value} className={styles.option}>
      {option.label}
    </option>
  );
}
