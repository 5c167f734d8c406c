import { Copy, Download, Pencil } from 'lucide-react';
import type { SteeringEntry } from '../../../../shared/generation.ts';
import type { JobSnapshot } from '../../../../shared/job.ts';
import { steeringParts } from '../../i18n/steeringText.ts';
import { useText } from '../../i18n/useText.ts';
import { openEdit } from '../../stores/branches.ts';
import { copyLog, exportLog } from '../../stores/logExport.ts';
import { lookAt } from '../../stores/lookBack.ts';
import { cx } from '../../ui/cx.ts';
import { IconButton } from '../../ui/IconButton.tsx';
import styles from './LogList.module.css';

export interface LogListProps {
  readonly job: JobSnapshot;
  readonly log: readonly SteeringEntry[];
}

/** What was, and by its request will be, done to the run, entry by entry. */
export function LogList({ job, log }: LogListProps) {
  const text = useText();
  const { t } = text;
  return (
    <section className={styles.section} aria-labelledby="log-title" data-testid="steering-log">
      <header className={styles.head}>
        <h3 id="log-title">{t('branches.log')}</h3>
        {log.length === 0 ? null : (
          <>
            <IconButton size="s" label={t('branches.copyLog')} icon={<Copy aria-hidden />} onClick={() => void copyLog(job)} />
            <IconButton size="s" label={t('branches.exportLog')} icon={<Download aria-hidden />} onClick={() => exportLog(job)} />
          </>
        )}
      </header>
      {log.length === 0 ? <p className={styles.empty}>{t('branches.logEmpty')}</p> : null}
      <ol className={styles.list}>
        {log.map((entry, index) => {
          const what = steeringParts(entry.steering, text, 'whole').join(', ');
          const ahead = entry.afterStep >= job.steps.length;
          return (
            <li key={`${String(entry.afterStep)} ${String(index)}`} className={cx(styles.entry, ahead && styles.ahead)}>
              <button type="button" className={styles.step} disabled={ahead} onClick={() => lookAt(entry.afterStep)}>
                {t('branches.afterStep', { step: entry.afterStep + 1 })}
                {ahead ? ` (${t('branches.ahead')})` : null}
              </button>
              <span className={styles.what}>{what}</span>
              <IconButton
                className={styles.edit}
                size="s"
                label={t('branches.edit', { what: steeringParts(entry.steering, text, 'named').join(', ') })}
                icon={<Pencil aria-hidden />}
                onClick={() => openEdit(job.jobId, index, entry.afterStep)}
              />
            </li>
          );
        })}
      </ol>
    </section>
  );
}
