import { useEffect, useRef, useState, type CSSProperties, type KeyboardEvent, type MouseEvent, type PointerEvent, type ReactNode } from 'react';
import { useText } from '../../i18n/useText.ts';
import { axisEnd, type CurveHandle, type CurvePlace, scaleRange, tidyScale } from '../../stores/curve.ts';
import { cx } from '../../ui/cx.ts';
import styles from './CurveEditor.module.css';
import { CurvePlot } from './CurvePlot.tsx';
import { PointReadout } from './PointReadout.tsx';

export interface CurveEditorProps {
  readonly label: string;
  /** What every step got or will get; 1 or below: not guided. */
  readonly scales: readonly number[];
  readonly handles: readonly CurveHandle[];
  /** Steps that can no longer change. */
  readonly locked?: number;
  readonly pending?: boolean;
  readonly disabled?: boolean;
  readonly className?: string | undefined;
  /** Further controls, under the numbers. */
  readonly children?: ReactNode;
  onMove(index: number, place: CurvePlace): void;
  /** @returns the index of the new point, or null where none could be added */
  onAdd(place: CurvePlace): number | null;
  onRemove(index: number): void;
}

const keySteps = { step: 1, scale: 0.5 };
const bigSteps = { step: 5, scale: 2 };

/** One curve over the steps, with points that a hand or the arrow keys can move. */
export function CurveEditor(props: CurveEditorProps) {
  const { label, scales, handles, locked = 0, pending = false, disabled = false, className, children, onMove, onAdd, onRemove } = props;
  const { t, format } = useText();
  const plot = useRef<HTMLDivElement>(null);
  const [chosen, setChosen] = useState<number | null>(null);
  // Under a hand that drags, the axis must not move.
  const [held, setHeld] = useState<{ readonly index: number; readonly end: number } | null>(null);
  const total = Math.max(1, scales.length);
  const end = held?.end ?? axisEnd([...scales, ...handles.map(({ scale }) => scale)]);
  const selected = handles.find(({ index }) => index === chosen) ?? handles.at(-1) ?? null;

  // What a key has added or left is where the next key goes.
  const focusNext = useRef<number | null>(null);
  useEffect(() => {
    if (focusNext.current === null) return;
    plot.current?.querySelector<HTMLElement>(`[data-index="${String(focusNext.current)}"]`)?.focus();
    focusNext.current = null;
  });

  const placeAt = (event: { readonly clientX: number; readonly clientY: number }): CurvePlace => {
    const box = plot.current?.getBoundingClientRect() ?? new DOMRect(0, 0, 1, 1);
    const step = Math.floor(((event.clientX - box.left) / Math.max(1, box.width)) * total);
    const scale = (1 - (event.clientY - box.top) / Math.max(1, box.height)) * end;
    return { step: Math.min(total - 1, Math.max(locked, step)), scale: tidyScale(scale) };
  };

  const add = (place: CurvePlace): void => {
    const index = onAdd(place);
    if (index === null) return;
    setChosen(index);
    focusNext.current = index;
  };

  const remove = (index: number): void => {
    const removed = handles.find((handle) => handle.index === index);
    if (handles.length < 2 || removed?.moves !== 'both') return;
    onRemove(index);
    const before = handles.findLast((handle) => handle.index < index);
    // Those behind it move up.
    const next = before?.index ?? index;
    setChosen(next);
    focusNext.current = next;
  };

  // Half-way to the next point, behind the last one half-way back.
  const addBeside = (handle: CurveHandle | null): void => {
    const next = handle === null ? undefined : handles.find(({ step }) => step >= handle.step + 2);
    const before = handle === null ? undefined : handles.findLast(({ step }) => step <= handle.step - 2);
    const other = next?.step ?? before?.step ?? locked;
    const step = Math.min(total - 1, Math.max(locked, Math.round(((handle?.step ?? total - 1) + other) / 2)));
    add({ step, scale: scales[step] ?? 1 });
  };

  const move = (handle: CurveHandle, by: Partial<CurvePlace>): void => {
    setChosen(handle.index);
    onMove(handle.index, { step: by.step === undefined ? handle.step : Math.round(handle.step) + by.step, scale: handle.scale + (by.scale ?? 0) });
  };

  const onKeyDown = (event: KeyboardEvent, handle: CurveHandle): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const size = event.shiftKey ? bigSteps : keySteps;
    const actions: Readonly<Record<string, () => void>> = {
      ArrowUp: () => move(handle, { scale: size.scale }),
      ArrowDown: () => move(handle, { scale: -size.scale }),
      ArrowLeft: () => move(handle, { step: -size.step }),
      ArrowRight: () => move(handle, { step: size.step }),
      Insert: () => addBeside(handle),
      Delete: () => remove(handle.index),
      Backspace: () => remove(handle.index),
    };
    const action = actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  };

  const onDoubleClick = (event: MouseEvent): void => {
    if (disabled || (event.target instanceof Element && event.target.closest('button') !== null)) return;
    add(placeAt(event));
  };

  return (
    <div className={cx(styles.editor, className)} role="group" aria-label={label}>
      <div className={styles.frame}>
        <span className={styles.top} aria-hidden>
          {format.number(end)}
        </span>
        <div ref={plot} className={styles.area} data-testid="curve-plot" data-locked={locked} onDoubleClick={onDoubleClick}>
          <CurvePlot scales={scales} locked={locked} end={end} pending={pending} />
          {disabled
            ? null
            : handles.map((handle, place) => (
                <button
                  key={handle.index}
                  type="button"
                  role="slider"
                  data-index={handle.index}
                  className={cx(styles.handle, handle === selected && styles.selected)}
                  style={handleStyle(handle, total, end)}
                  aria-label={t('curve.point', { index: place + 1, count: handles.length })}
                  aria-orientation="vertical"
                  aria-valuemin={scaleRange.min}
                  aria-valuemax={scaleRange.max}
                  aria-valuenow={handle.scale}
                  aria-valuetext={t('curve.pointValue', {
                    step: Math.round(handle.step) + 1,
                    total,
                    scale: format.number(handle.scale, 1),
                  })}
                  onFocus={() => setChosen(handle.index)}
                  onKeyDown={(event) => onKeyDown(event, handle)}
                  onPointerDown={(event: PointerEvent<HTMLButtonElement>) => {
                    if (event.button !== 0) return;
                    event.currentTarget.setPointerCapture(event.pointerId);
                    setHeld({ index: handle.index, end });
                    setChosen(handle.index);
                  }}
                  onPointerMove={(event) => {
                    if (held?.index === handle.index) onMove(handle.index, placeAt(event));
                  }}
                  onPointerUp={() => setHeld(null)}
                  onPointerCancel={() => setHeld(null)}
                />
              ))}
        </div>
      </div>
      <div className={styles.side}>
        <PointReadout
          total={total}
          locked={locked}
          handle={selected}
          disabled={disabled}
          onMove={onMove}
          onRemove={handles.length > 1 && selected?.moves === 'both' ? remove : null}
          onAdd={() => addBeside(selected)}
        />
        {children}
      </div>
    </div>
  );
}

function handleStyle({ step, scale }: CurveHandle, total: number, end: number): CSSProperties {
  return { left: `${String(((step + 0.5) / total) * 100)}%`, top: `${String((1 - Math.min(1, scale / end)) * 100)}%` };
}
