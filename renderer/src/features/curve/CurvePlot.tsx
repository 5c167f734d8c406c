import { isGuided } from '../../../../shared/guidanceCurve.ts';
import styles from './CurvePlot.module.css';

export interface CurvePlotProps {
  /** What every step got or will get; 1 or below: not guided. */
  readonly scales: readonly number[];
  /** Steps that can no longer change. */
  readonly locked: number;
  /** Where the axis of scales ends. */
  readonly end: number;
  /** A change that the run has not taken up yet. */
  readonly pending: boolean;
}

/** Units of the drawing, which is stretched to its box. */
const side = 1000;

/** The scale of every step as a column, and the line through them. What is past is drawn as it was run. */
export function CurvePlot({ scales, locked, end, pending }: CurvePlotProps) {
  const total = Math.max(1, scales.length);
  const width = side / total;
  const y = (scale: number): number => side * (1 - Math.min(1, scale / end));
  const line = (from: number, to: number): string =>
    scales
      .slice(from, to)
      .map((scale, offset) => `${String((from + offset + 0.5) * width)},${String(y(scale))}`)
      .join(' ');
  return (
    <svg className={styles.plot} viewBox={`0 0 ${String(side)} ${String(side)}`} preserveAspectRatio="none" aria-hidden focusable="false">
      {locked === 0 ? null : <rect className={styles.past} x={0} y={0} width={Math.min(locked, total) * width} height={side} />}
      {scales.map((scale, index) => (
        <rect
          key={index}
          data-scale={scale}
          className={index < locked ? styles.done : isGuided(scale) ? styles.guided : styles.unguided}
          x={index * width + width * 0.12}
          y={y(Math.max(scale, end * 0.012))}
          width={width * 0.76}
          height={side - y(Math.max(scale, end * 0.012))}
        />
      ))}
      <line className={styles.one} x1={0} x2={side} y1={y(1)} y2={y(1)} />
      <polyline className={styles.pastLine} points={line(0, Math.min(total, locked + 1))} />
      <polyline className={pending ? styles.pendingLine : styles.line} points={line(locked, total)} />
    </svg>
  );
}
