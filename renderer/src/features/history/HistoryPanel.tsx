import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { libraryStore } from '../../stores/library.ts';
import { readLibrary } from '../../stores/pictureActions.ts';
import { Button } from '../../ui/Button.tsx';
import { HistoryGrid } from './HistoryGrid.tsx';
import styles from './HistoryPanel.module.css';

/** This machine's pictures, newest first. */
export function HistoryPanel() {
  const { t } = useText();
  const total = useStore(libraryStore, (state) => state.total);
  const failed = useStore(libraryStore, (state) => state.failed);
  const empty = useStore(libraryStore, (state) => !state.loading && state.pictures.length === 0);
  return (
    <section className={styles.panel} aria-labelledby="history-title">
      <header className={styles.head}>
        <h2 id="history-title">{t('history.title')}</h2>
        {total === 0 ? null : <span className={styles.count}>{total}</span>}
      </header>
      {failed ? (
        <div className={styles.note} role="alert">
          <p>{t('history.failed')}</p>
          <Button size="s" onClick={() => void readLibrary('start')}>
            {t('common.retry')}
          </Button>
        </div>
      ) : null}
      {empty && !failed ? <p className={styles.note}>{t('history.empty')}</p> : null}
      <HistoryGrid />
    </section>
  );
}
