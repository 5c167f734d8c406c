import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { useShownJob, useShownPicture } from '../../stores/useShown.ts';
import { showOfBatch, shownBatch, viewStore } from '../../stores/view.ts';
import styles from './BatchThumbs.module.css';

/** The pictures that one run drew, to choose among. */
export function BatchThumbs() {
  const { t } = useText();
  const view = useStore(viewStore);
  const job = useShownJob();
  const shown = useShownPicture();
  const pictures = shownBatch(view, job);
  if (job === null || pictures.length === 0) return null;
  return (
    <div className={styles.thumbs} role="group" aria-label={t('stage.batch')} data-testid="batch">
      {pictures.map((picture, index) => (
        <button
          key={picture.id}
          type="button"
          className={styles.thumb}
          aria-pressed={picture.id === shown?.id}
          aria-label={t('stage.batchPicture', { index: index + 1, total: pictures.length })}
          onClick={() => showOfBatch(picture, job)}
        >
          <img src={picture.url} alt="" draggable={false} decoding="async" />
        </button>
      ))}
    </div>
  );
}
