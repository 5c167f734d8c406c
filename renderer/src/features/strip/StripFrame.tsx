import { memo } from 'react';
import { useText } from '../../i18n/useText.ts';
import { lookAt } from '../../stores/lookBack.ts';
import { cx } from '../../ui/cx.ts';
import styles from './StripFrame.module.css';

export interface StripFrameProps {
  readonly index: number;
  readonly total: number;
  readonly guided: boolean;
  readonly src: string | null;
  /** The newest step, or the one looked back at. */
  readonly selected: boolean;
  readonly looking: boolean;
  /** The preview holds several pictures side by side: all of it is shown, instead of its middle. */
  readonly whole: boolean;
}

export const StripFrame = memo(function StripFrame({ index, total, guided, src, selected, looking, whole }: StripFrameProps) {
  const { t } = useText();
  const values = { step: index + 1, total };
  return (
    <div
      id={`step-${String(index)}`}
      className={cx(styles.frame, selected && styles.selected, looking && styles.looking)}
      role="option"
      aria-selected={selected}
      aria-label={guided ? t('strip.step', values) : t('strip.stepUnguided', values)}
      data-index={index}
      data-guided={guided}
      onClick={() => lookAt(index)}
    >
      <span className={cx(styles.picture, whole && styles.whole)}>{src === null ? null : <img src={src} alt="" draggable={false} decoding="async" />}</span>
      <span className={styles.foot}>
        <span className={cx(styles.dot, guided && styles.guided)} />
        {index + 1}
      </span>
    </div>
  );
});
