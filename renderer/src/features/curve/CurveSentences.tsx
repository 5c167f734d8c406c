import { useText } from '../../i18n/useText.ts';
import { type CallForecast, unguidedFrom } from '../../stores/curvePlan.ts';
import styles from './CurveSentences.module.css';

export interface CurveSentencesProps {
  readonly scales: readonly number[];
  readonly forecast: CallForecast;
}

/** What a curve costs, and from where on the negative prompt no longer acts. */
export function CurveSentences({ scales, forecast }: CurveSentencesProps) {
  const { t, format } = useText();
  const from = unguidedFrom(scales);
  const values = {
    guided: forecast.guided,
    total: forecast.total,
    calls: t('form.modelCalls', { count: forecast.calls }),
    percent: format.percent(forecast.fewer),
  };
  return (
    <p className={styles.line}>
      <span data-testid="forecast">
        {forecast.isMost ? t('curve.forecastMost', values) : forecast.fewer > 0 ? t('curve.forecast', values) : t('curve.forecastAll', values)}
      </span>
      {forecast.shallow === 0 ? null : <span data-testid="shallow">{t('curve.shallow', { count: forecast.shallow })}</span>}
      {from === null ? null : (
        <span className={styles.end} data-testid="negative-ends">
          {from === 0 ? t('curve.negativeNever') : t('curve.negativeEnds', { step: from + 1 })}
        </span>
      )}
    </p>
  );
}
