import { Info } from 'lucide-react';
import type { JobSnapshot } from '../../../../shared/job.ts';
import type { RunWarning } from '../../../../shared/runWarning.ts';
import { useText } from '../../i18n/useText.ts';
import { useWarningText } from '../../i18n/useWarningText.ts';
import { Button } from '../../ui/Button.tsx';
import { Popover } from '../../ui/Popover.tsx';
import styles from './RunWarnings.module.css';

/** What of a run was not done as asked: a count, and the texts behind it. Whoever listens is told by the Announcer as it comes. */
export function RunWarnings({ job: { warnings } }: { readonly job: Pick<JobSnapshot, 'warnings'> }) {
  const { t } = useText();
  if (warnings.length === 0) return null;
  const trigger = (
    <Button className={styles.count} look="quiet" size="s" icon={<Info aria-hidden />} data-testid="warnings">
      {t('run.warnings', { count: warnings.length })}
    </Button>
  );
  return (
    <Popover side="top" align="start" title={t('run.warningsTitle')} trigger={trigger}>
      <ul className={styles.list} tabIndex={0} aria-label={t('run.warningsTitle')}>
        {warnings.map((warning) => (
          <WarningItem key={warning.message} warning={warning} />
        ))}
      </ul>
    </Popover>
  );
}

function WarningItem({ warning }: { readonly warning: RunWarning }) {
  const { text, nextStep, exact } = useWarningText()(warning);
  return (
    <li className={styles.item}>
      <p>{text}</p>
      <p className={styles.next}>{nextStep}</p>
      {exact === null ? null : (
        <p className={styles.next} lang="en">
          {exact}
        </p>
      )}
    </li>
  );
}
