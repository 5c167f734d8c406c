import { Brush } from 'lucide-react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { maskStore } from '../../stores/mask.ts';
import { stageSideStore, turnStage } from '../../stores/stageSide.ts';
import { Button } from '../../ui/Button.tsx';
import styles from './MaskLine.module.css';

/** How much is painted, and the way to the painter when the stage shows something else. */
export function MaskLine() {
  const { t, format } = useText();
  const coverage = useStore(maskStore, (mask) => mask.coverage);
  const empty = useStore(maskStore, (mask) => mask.bounds === null && !mask.loading);
  const side = useStore(stageSideStore, (stage) => stage.side);
  const text = empty ? t('mask.empty') : t('mask.covers', { percent: format.percent(coverage) });
  return (
    <div className={styles.line}>
      <p className={styles.text}>{text}</p>
      {side === 'start' ? null : (
        <Button size="s" icon={<Brush aria-hidden />} onClick={() => turnStage('start')}>
          {t('mask.edit')}
        </Button>
      )}
    </div>
  );
}
