import { ImageDown } from 'lucide-react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import styles from './DropCurtain.module.css';
import { dragStore } from './usePictureArrival.ts';

/** Over the stage while a file is dragged: it may be let go anywhere. */
export function DropCurtain() {
  const { t } = useText();
  const over = useStore(dragStore, (drag) => drag.over);
  if (!over) return null;
  return (
    <div className={styles.curtain}>
      <ImageDown aria-hidden />
      {t('start.drop')}
    </div>
  );
}
