import { useText } from '../../i18n/useText.ts';
import { DevelopingFrames } from './DevelopingFrames.tsx';
import styles from './EmptyStage.module.css';

/** The first thing a new user sees: what will happen here, and nothing else. */
export function EmptyStage() {
  const { t } = useText();
  return (
    <div className={styles.empty}>
      <DevelopingFrames />
      <h2 className={styles.title}>{t('canvas.emptyTitle')}</h2>
      <p className={styles.text}>{t('canvas.emptyText')}</p>
    </div>
  );
}
