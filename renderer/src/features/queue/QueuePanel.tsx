import { useStore } from 'zustand';
import { useShallow } from 'zustand/react/shallow';
import { useText } from '../../i18n/useText.ts';
import { jobsStore, listedJobs } from '../../stores/jobs.ts';
import { clearQueue } from '../../stores/runActions.ts';
import { Button } from '../../ui/Button.tsx';
import { QueueItem } from './QueueItem.tsx';
import styles from './QueuePanel.module.css';

/** Runs that wait, run, or ended without a picture. Absent while there is none. */
export function QueuePanel() {
  const { t } = useText();
  const ids = useStore(jobsStore, useShallow(listedJobs));
  const waiting = useStore(jobsStore, (state) => state.order.some((id) => state.byId[id]?.state === 'queued'));
  return (
    <section className={styles.panel} aria-labelledby="queue-title" hidden={ids.length === 0}>
      <header className={styles.head}>
        <h2 id="queue-title">{t('queue.title')}</h2>
        {waiting ? (
          <Button className={styles.clear} look="quiet" size="s" onClick={clearQueue}>
            {t('queue.clear')}
          </Button>
        ) : null}
      </header>
      <ul className={styles.list} data-testid="queue">
        {ids.map((id) => (
          <QueueItem key={id} jobId={id} />
        ))}
      </ul>
    </section>
  );
}
