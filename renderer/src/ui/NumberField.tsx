import { Minus, Plus } from 'lucide-react';
import type { KeyboardEvent } from 'react';
import { cx } from './cx.ts';
import { errorId } from './Field.tsx';
import styles from './NumberField.module.css';

export interface NumberFieldProps {
  readonly id: string;
  /** Accessible name where no label element points here. */
  readonly label?: string;
  /** As typed: what is no number stays visible. */
  readonly text: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly decimals?: boolean;
  readonly invalid?: boolean;
  readonly disabled?: boolean;
  readonly decreaseLabel: string;
  readonly increaseLabel: string;
  readonly className?: string | undefined;
  onText(text: string): void;
  /** A step by the buttons or the arrow keys, where that is not the same as typing. */
  onMove?(text: string): void;
  onLeave?(): void;
}

/** The next multiple of `step` above or below, within the range. */
export function stepped(value: number, direction: 1 | -1, step: number, min: number, max: number): number {
  const units = value / step;
  // A hair of tolerance: 7.5 / 0.5 is exact, 0.7 / 0.1 is not.
  const next = direction === 1 ? Math.floor(units + 1e-9) + 1 : Math.ceil(units - 1e-9) - 1;
  return Math.min(max, Math.max(min, Number((next * step).toFixed(6))));
}

export function NumberField(props: NumberFieldProps) {
  const { id, text, min, max, step, onText, onLeave, disabled = false, invalid = false } = props;
  const value = Number(text.replace(',', '.'));
  const isNumber = text.trim() !== '' && Number.isFinite(value);
  const move = (direction: 1 | -1, times = 1): void => {
    (props.onMove ?? onText)(String(stepped(isNumber ? value : min, direction, step * times, min, max)));
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return;
    event.preventDefault();
    move(event.key === 'ArrowUp' ? 1 : -1, event.shiftKey ? 10 : 1);
  };
  return (
    <div className={cx(styles.box, invalid && styles.invalid, disabled && styles.disabled, props.className)}>
      <input
        id={id}
        className={styles.input}
        role="spinbutton"
        inputMode={props.decimals === true ? 'decimal' : 'numeric'}
        autoComplete="off"
        spellCheck={false}
        disabled={disabled}
        value={text}
        aria-label={props.label}
        aria-valuemin={min}
        aria-valuemax={max}
        aria-valuenow={isNumber ? value : undefined}
        {...(invalid ? { 'aria-invalid': true, 'aria-describedby': errorId(id) } : {})}
        onChange={(event) => onText(event.target.value)}
        onKeyDown={onKeyDown}
        onBlur={onLeave}
      />
      {/* Arrow keys do the same, so these need no stop of their own. */}
      <button
        type="button"
        tabIndex={-1}
        className={styles.step}
        aria-label={props.decreaseLabel}
        disabled={disabled || (isNumber && value <= min)}
        onClick={() => move(-1)}
      >
        <Minus aria-hidden />
      </button>
      <button
        type="button"
        tabIndex={-1}
        className={styles.step}
        aria-label={props.increaseLabel}
        disabled={disabled || (isNumber && value >= max)}
        onClick={() => move(1)}
      >
        <Plus aria-hidden />
      </button>
    </div>
  );
}
