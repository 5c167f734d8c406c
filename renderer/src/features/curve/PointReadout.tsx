import { Plus, Trash2 } from 'lucide-react';
import { useId, useState } from 'react';
import { useText } from '../../i18n/useText.ts';
import { type CurveHandle, type CurvePlace, scaleRange } from '../../stores/curve.ts';
import { readInteger, readNumber } from '../../stores/readText.ts';
import { IconButton } from '../../ui/IconButton.tsx';
import { NumberField } from '../../ui/NumberField.tsx';
import styles from './PointReadout.module.css';

export interface PointReadoutProps {
  readonly total: number;
  readonly locked: number;
  readonly handle: CurveHandle | null;
  readonly disabled: boolean;
  onMove(index: number, place: CurvePlace): void;
  readonly onRemove: ((index: number) => void) | null;
  onAdd(): void;
}

/** The chosen point in numbers, which can be typed. */
export function PointReadout({ total, locked, handle, disabled, onMove, onRemove, onAdd }: PointReadoutProps) {
  const { t, format } = useText();
  const id = useId();
  // What is being typed and cannot be read yet.
  const [draft, setDraft] = useState<{ readonly field: 'step' | 'scale'; readonly text: string } | null>(null);
  const off = disabled || handle === null;
  const step = handle === null ? '' : String(Math.round(handle.step) + 1);
  const scale = handle === null ? '' : format.number(handle.scale, 1);
  const typed = (field: 'step' | 'scale', text: string): void => {
    setDraft({ field, text });
    if (handle === null) return;
    const asStep = readInteger(text, locked + 1, total);
    const asScale = readNumber(text);
    if (field === 'step' && asStep !== null) onMove(handle.index, { step: asStep - 1, scale: handle.scale });
    if (field === 'scale' && asScale !== null && asScale >= scaleRange.min && asScale <= scaleRange.max) {
      onMove(handle.index, { step: handle.step, scale: asScale });
    }
  };
  const shown = (field: 'step' | 'scale', value: string): string => (draft?.field === field ? draft.text : value);
  return (
    <div className={styles.row}>
      <label className={styles.label} htmlFor={`${id}-step`}>
        {t('curve.step')}
      </label>
      <NumberField
        id={`${id}-step`}
        className={styles.field}
        text={shown('step', step)}
        min={locked + 1}
        max={total}
        step={1}
        disabled={off || handle.moves === 'scale'}
        invalid={draft?.field === 'step' && readInteger(draft.text, locked + 1, total) === null}
        decreaseLabel={t('common.decrease', { label: t('curve.step') })}
        increaseLabel={t('common.increase', { label: t('curve.step') })}
        onText={(text) => typed('step', text)}
        onLeave={() => setDraft(null)}
      />
      <label className={styles.label} htmlFor={`${id}-scale`}>
        {t('curve.scale')}
      </label>
      <NumberField
        id={`${id}-scale`}
        className={styles.field}
        text={shown('scale', scale)}
        {...scaleRange}
        step={0.5}
        decimals
        disabled={off}
        invalid={draft?.field === 'scale' && !inRange(readNumber(draft.text))}
        decreaseLabel={t('common.decrease', { label: t('curve.scale') })}
        increaseLabel={t('common.increase', { label: t('curve.scale') })}
        onText={(text) => typed('scale', text)}
        onLeave={() => setDraft(null)}
      />
      <IconButton label={t('curve.add')} icon={<Plus aria-hidden />} size="s" disabled={disabled || locked >= total} onClick={onAdd} />
      <IconButton
        label={t('curve.remove')}
        icon={<Trash2 aria-hidden />}
        size="s"
        disabled={off || onRemove === null}
        onClick={() => {
          if (handle !== null) onRemove?.(handle.index);
        }}
      />
    </div>
  );
}

function inRange(value: number | null): boolean {
  return value !== null && value >= scaleRange.min && value <= scaleRange.max;
}
