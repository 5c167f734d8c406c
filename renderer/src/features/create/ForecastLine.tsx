import { useEffect } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { followForecast, forecastStore } from '../../stores/forecast.ts';
import { viewStore } from '../../stores/view.ts';
import { cx } from '../../ui/cx.ts';
import styles from './ForecastLine.module.css';

/** What the run will take of the memory that is free, before it starts. */
export function ForecastLine() {
  const { t, format } = useText();
  const forecast = useStore(forecastStore, (state) => state.forecast);
  useEffect(followForecast, []);
  if (forecast === null) return null;
  const { needBytes, freeBytes, verdict, tiledVae, policy } = forecast;
  return (
    <button
      type="button"
      className={cx(styles.line, styles[verdict])}
      data-testid="forecast"
      data-verdict={verdict}
      onClick={() => viewStore.setState({ dialog: 'devices' })}
    >
      {t(`forecast.${verdict}`, { need: format.bytes(needBytes), free: format.bytes(freeBytes) })}
      {[...(policy === 'release' ? [t('forecast.release')] : []), ...(tiledVae ? [t('forecast.tiled')] : [])].map((text) => ` · ${text}`)}
    </button>
  );
}
