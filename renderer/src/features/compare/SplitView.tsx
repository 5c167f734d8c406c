import { useMemo, type KeyboardEvent, type PointerEvent } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { compareStore } from '../../stores/compare.ts';
import styles from './compare.module.css';
import { ComparedCaption } from './ComparedCaption.tsx';
import { PictureCanvas, type Layer } from './PictureCanvas.tsx';
import type { ComparedItem } from './useComparedItems.ts';
import { useImages } from './useImages.ts';
import { useViewControls } from './useViewControls.ts';

const keyStep = 0.02;

export interface PairProps {
  readonly left: ComparedItem;
  readonly right: ComparedItem;
}

/** Two pictures in one place: one on the left, the other on the right of a line that is dragged. */
export function SplitView({ left, right }: PairProps) {
  const { t } = useText();
  const view = useStore(compareStore, (compare) => compare.view);
  const splitAt = useStore(compareStore, (compare) => compare.splitAt);
  const controls = useViewControls();
  const [a = null, b = null] = useImages([left.frame?.src ?? '', right.frame?.src ?? '']);
  const layers = useMemo<readonly Layer[]>(
    () => [
      { source: a, from: 0, to: splitAt },
      { source: b, from: splitAt, to: 1 },
    ],
    [a, b, splitAt],
  );
  return (
    <div className={styles.single} data-testid="compare-split">
      <div className={styles.box} {...controls} tabIndex={0} role="group" aria-label={t('compare.area')}>
        <PictureCanvas layers={layers} view={view} alt={`${left.name} | ${right.name}`} />
        <SplitHandle at={splitAt} />
      </div>
      <div className={styles.captions}>
        <ComparedCaption compared={left} mark="◧" />
        <ComparedCaption compared={right} mark="◨" />
      </div>
    </div>
  );
}

function move(splitAt: number): void {
  compareStore.setState({ splitAt: Math.min(1, Math.max(0, splitAt)) });
}

function SplitHandle({ at }: { readonly at: number }) {
  const { t, format } = useText();
  const drag = (event: PointerEvent<HTMLElement>): void => {
    const box = event.currentTarget.parentElement?.getBoundingClientRect();
    if (box !== undefined && event.currentTarget.hasPointerCapture(event.pointerId)) move((event.clientX - box.left) / box.width);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const by = keyStep * (event.shiftKey ? 5 : 1);
    const to: Readonly<Record<string, number>> = { ArrowLeft: at - by, ArrowDown: at - by, ArrowRight: at + by, ArrowUp: at + by, Home: 0, End: 1 };
    const next = to[event.key];
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    move(next);
  };
  return (
    <div
      className={styles.handle}
      style={{ left: `${String(at * 100)}%` }}
      role="slider"
      tabIndex={0}
      aria-label={t('compare.split')}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(at * 100)}
      aria-valuetext={format.percent(at)}
      onPointerDown={(event) => {
        event.stopPropagation();
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={drag}
      onKeyDown={onKeyDown}
    />
  );
}
