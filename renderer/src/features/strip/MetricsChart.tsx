import { memo, useState, type CSSProperties, type PointerEvent } from 'react';
import { useStore } from 'zustand';
import type { JobSnapshot, StepRecord } from '../../../../shared/job.ts';
import { useText, type Text } from '../../i18n/useText.ts';
import { chartLines, chartSeries, chartStore, chartValue, guidedBands, linePath, toggleSeries, type ChartSeries } from '../../stores/chart.ts';
import { lookAt } from '../../stores/lookBack.ts';
import { lookedAt, viewStore } from '../../stores/view.ts';
import { cx } from '../../ui/cx.ts';
import hidden from '../../ui/hidden.module.css';
import styles from './MetricsChart.module.css';
import { useRested } from './useRested.ts';

/** Units of the drawing, stretched to the box it gets. */
const width = 1000;
const height = 100;
/** Part of the height that stays free above a line. */
const headroom = 8;

/** The table is heard, not seen: no ear follows it faster, and at every step it would cost as much as the step's own frame. */
const tableMs = 500;

export interface MetricsChartProps {
  readonly job: JobSnapshot;
  readonly total: number;
}

/** The steps' numbers as they arrive, the whole run at once. Its legend says the values of the step that is pointed or looked at. */
export function MetricsChart({ job, total }: MetricsChartProps) {
  const { t } = useText();
  const shown = useStore(chartStore, (chart) => chart.shown);
  const look = useStore(viewStore, lookedAt);
  const [pointedAt, setPointedAt] = useState<{ readonly jobId: string; readonly step: number | null } | null>(null);
  const { jobId, steps } = job;
  const pointed = pointedAt?.jobId === jobId ? pointedAt.step : null;
  const slots = Math.max(total, steps.length, 1);
  const current = pointed ?? look ?? steps.length - 1;
  const step = steps[current];
  const at = (event: PointerEvent<SVGSVGElement>): number | null => {
    const box = event.currentTarget.getBoundingClientRect();
    const index = Math.floor(((event.clientX - box.left) / box.width) * slots);
    return index >= 0 && index < steps.length ? index : null;
  };
  return (
    <section className={styles.chart} aria-label={t('chart.label')} data-testid="metrics">
      <Legend shown={shown} step={step} />
      {/* The table says the same to who listens; arrow keys on the strip choose the step. */}
      <svg
        className={styles.plot}
        viewBox={`0 0 ${String(width)} ${String(height)}`}
        preserveAspectRatio="none"
        aria-hidden
        onPointerMove={(event) => setPointedAt({ jobId, step: at(event) })}
        onPointerLeave={() => setPointedAt(null)}
        onPointerDown={(event) => {
          const index = at(event);
          if (index !== null) lookAt(index);
        }}
      >
        <Series steps={steps} shown={shown} slots={slots} />
        {step === undefined ? null : (
          <line className={styles.cursor} x1={((current + 0.5) / slots) * width} x2={((current + 0.5) / slots) * width} y1="0" y2={height} />
        )}
      </svg>
      <Table steps={useRested(steps, tableMs)} />
    </section>
  );
}

interface SeriesProps {
  readonly steps: readonly StepRecord[];
  readonly shown: readonly ChartSeries[];
  readonly slots: number;
}

const Series = memo(function Series({ steps, shown, slots }: SeriesProps) {
  const slot = width / slots;
  return (
    <>
      {shown.includes('guided')
        ? guidedBands(steps).map(([first, end]) => (
            <rect key={first} className={styles.band} x={first * slot} y="0" width={(end - first) * slot} height={height} />
          ))
        : null}
      {chartLines
        .filter((line) => shown.includes(line))
        .map((line) => (
          <path
            key={line}
            className={cx(styles.line, styles[line])}
            transform={`translate(0 ${String(headroom)})`}
            d={linePath(steps.map((step) => chartValue(line, step)), slots, width, height - headroom)}
          />
        ))}
    </>
  );
});

function Legend({ shown, step }: { readonly shown: readonly ChartSeries[]; readonly step: StepRecord | undefined }) {
  const text = useText();
  const { t } = text;
  return (
    <div className={styles.legend}>
      {chartSeries.map((series) => (
        <button
          key={series}
          type="button"
          className={styles.series}
          aria-pressed={shown.includes(series)}
          title={t(`chart.${series}Hint`)}
          style={{ '--series': `var(--chart-${series})` } as CSSProperties}
          onClick={() => toggleSeries(series)}
        >
          <span className={styles.swatch} />
          <span className={styles.name}>{t(`chart.${series}`)}</span>
          <span className={styles.value}>{step === undefined ? '' : seriesText(series, step, text)}</span>
        </button>
      ))}
    </div>
  );
}

function seriesText(series: ChartSeries, step: StepRecord, { t, format }: Text): string {
  switch (series) {
    case 'change':
    case 'distance': {
      const value = chartValue(series, step);
      return value === null ? t('chart.none') : format.number(value, 3);
    }
    case 'ms':
      return format.duration(step.ms);
    case 'guided':
      return step.guided ? t('chart.yes') : t('chart.no');
  }
}

const Table = memo(function Table({ steps }: { readonly steps: readonly StepRecord[] }) {
  const { t } = useText();
  return (
    <div className={hidden.hidden}>
      <table>
        <caption>{t('chart.caption')}</caption>
        <thead>
          <tr>
            {[t('chart.step'), t('chart.sigma'), t('chart.scale'), ...chartSeries.map((series) => t(`chart.${series}`))].map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {steps.map((step) => (
            <Row key={step.stepIndex} step={step} />
          ))}
        </tbody>
      </table>
    </div>
  );
});

/** Rendered once: making number formats for every row at every step would cost more than the step's own picture. */
const Row = memo(function Row({ step }: { readonly step: StepRecord }) {
  const text = useText();
  const { format } = text;
  return (
    <tr>
      <th scope="row">{step.stepIndex + 1}</th>
      <td>{format.number(step.sigma)}</td>
      <td>{format.number(step.guidanceScale)}</td>
      {chartSeries.map((series) => (
        <td key={series}>{seriesText(series, step, text)}</td>
      ))}
    </tr>
  );
});
