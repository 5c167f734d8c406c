import { Maximize, ZoomIn, ZoomOut } from 'lucide-react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { compareModes, compareStore } from '../../stores/compare.ts';
import { mostZoom } from '../../stores/compareView.ts';
import { differenceFactors } from '../../stores/difference.ts';
import { IconButton } from '../../ui/IconButton.tsx';
import { RangeSlider } from '../../ui/RangeSlider.tsx';
import { Segmented } from '../../ui/Segmented.tsx';
import styles from './compare.module.css';
import { zoomBy, zoomOut } from './useViewControls.ts';

export interface CompareToolbarProps {
  /** How many are compared. */
  readonly count: number;
  /** Steps that can be gone through; 0: there are only results. */
  readonly steps: number;
}

export function CompareToolbar({ count, steps }: CompareToolbarProps) {
  const { t, format } = useText();
  const { mode, step, view, factor } = useStore(compareStore);
  return (
    <div className={styles.bar} role="toolbar" aria-label={t('compare.title')}>
      {count === 2 ? (
        <Segmented
          name="compare-mode"
          label={t('compare.mode')}
          size="s"
          value={mode}
          segments={compareModes.map((value) => ({ value, label: t(`compare.modes.${value}`) }))}
          onChange={(next) => compareStore.setState({ mode: next })}
        />
      ) : (
        <span className={styles.faint}>{t('compare.onlyTwo')}</span>
      )}
      {mode === 'difference' && count === 2 ? (
        <Segmented
          name="compare-factor"
          label={t('compare.factor')}
          size="s"
          value={String(factor)}
          segments={differenceFactors.map((value) => ({ value: String(value), label: t('compare.times', { factor: value }) }))}
          onChange={(next) => compareStore.setState({ factor: Number(next) })}
        />
      ) : null}
      {steps === 0 ? null : (
        <div className={styles.scrub}>
          <RangeSlider
            label={t('compare.step')}
            value={step === null ? steps + 1 : Math.min(step, steps - 1) + 1}
            min={1}
            max={steps + 1}
            spoken={step === null ? t('compare.resultSpoken') : t('compare.stepSpoken', { step: step + 1, total: steps })}
            onChange={(next) => compareStore.setState({ step: next > steps ? null : next - 1 })}
          />
          <output className={styles.at} data-testid="compare-step">
            {step === null ? t('compare.result') : t('compare.stepAt', { step: step + 1 })}
          </output>
        </div>
      )}
      <div className={styles.zoom} role="group" aria-label={t('compare.zoom')}>
        <IconButton size="s" label={t('compare.zoomOut')} icon={<ZoomOut aria-hidden />} disabled={view.zoom <= 1} onClick={() => zoomBy(-1)} />
        <output className={styles.at}>{format.percent(view.zoom)}</output>
        <IconButton size="s" label={t('compare.zoomIn')} icon={<ZoomIn aria-hidden />} disabled={view.zoom >= mostZoom} onClick={() => zoomBy(1)} />
        <IconButton size="s" label={t('compare.zoomFit')} icon={<Maximize aria-hidden />} onClick={zoomOut} />
      </div>
    </div>
  );
}
