import type { CSSProperties } from 'react';
import { cx } from './cx.ts';
import styles from './RangeSlider.module.css';

export interface RangeSliderProps {
  readonly id?: string;
  /** Accessible name where no label element points here. */
  readonly label?: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  /** What the value means, for people who listen. */
  readonly spoken: string;
  readonly disabled?: boolean;
  /** The part of the track that is past, in units of the value: it can no longer change. */
  readonly lockedTo?: number;
  readonly className?: string | undefined;
  onChange(value: number): void;
}

export function RangeSlider(props: RangeSliderProps) {
  const { value, min, max, lockedTo = min } = props;
  const share = (at: number): string => (max === min ? '0%' : `${String(((at - min) / (max - min)) * 100)}%`);
  const style = { '--at': share(value), '--locked': share(Math.min(lockedTo, max)) } as CSSProperties;
  return (
    <div className={cx(styles.box, props.disabled === true && styles.disabled, props.className)} style={style}>
      <div className={styles.track} aria-hidden>
        <div className={styles.fill} />
        <div className={styles.locked} />
      </div>
      <input
        id={props.id}
        className={styles.input}
        type="range"
        min={min}
        max={max}
        step={props.step ?? 1}
        value={value}
        disabled={props.disabled}
        aria-label={props.label}
        aria-valuetext={props.spoken}
        onChange={(event) => props.onChange(Number(event.target.value))}
      />
    </div>
  );
}
