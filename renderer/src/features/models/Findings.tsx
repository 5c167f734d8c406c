import { CircleCheck, CircleX, Info, TriangleAlert } from 'lucide-react';
import type { DoctorReport, Finding } from '../../../../shared/models.ts';
import { useFindingText } from '../../i18n/useFindingText.ts';
import { useText } from '../../i18n/useText.ts';
import { cx } from '../../ui/cx.ts';
import hidden from '../../ui/hidden.module.css';
import styles from './Findings.module.css';

const icons = {
  fine: <CircleCheck aria-hidden />,
  note: <Info aria-hidden />,
  warning: <TriangleAlert aria-hidden />,
  error: <CircleX aria-hidden />,
} as const;

/** Worst first: what keeps a model from running must not stand under what is well. */
const order: readonly Finding['severity'][] = ['error', 'warning', 'note', 'fine'];

/** What the doctor found, in words, and what to do. */
export function Findings({ report }: { readonly report: DoctorReport }) {
  const { t, format } = useText();
  const textOf = useFindingText();
  const findings = report.findings.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
  return (
    <div className={styles.report} data-testid="doctor">
      <p className={styles.verdict}>
        {t(report.usable ? 'doctor.usable' : 'doctor.notUsable')}{' '}
        <span className={styles.when}>
          {t('doctor.when', { provider: t(`provider.${report.provider}`), when: format.dateTime(new Date(report.at).toISOString()) })}
        </span>
      </p>
      <ul className={styles.list}>
        {findings.map((finding, index) => {
          const { message, remedy, exact } = textOf(finding);
          return (
            <li key={index} className={cx(styles.finding, styles[finding.severity])}>
              <span className={styles.icon} title={t(`doctor.severity.${finding.severity}`)}>
                {icons[finding.severity]}
                <span className={hidden.hidden}>{t(`doctor.severity.${finding.severity}`)}</span>
              </span>
              <span>
                {finding.part === '' || message.startsWith(finding.part) ? null : <span className={styles.part}>{finding.part}</span>} {message}
                {exact === '' ? null : (
                  <span className={styles.exact} lang="en">
                    {exact}
                  </span>
                )}
                {remedy === '' ? null : <span className={styles.remedy}>{remedy}</span>}
              </span>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
