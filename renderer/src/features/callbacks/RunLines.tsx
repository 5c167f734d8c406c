import { useEffect, useRef } from 'react';
import { useStore } from 'zustand';
import { useShallow } from 'zustand/react/shallow';
import type { CallbackLine } from '../../../../shared/job.ts';
import { useText, type Text } from '../../i18n/useText.ts';
import type { FormCallback } from '../../stores/form.ts';
import { jobsStore } from '../../stores/jobs.ts';
import styles from './RunLines.module.css';
import { runLines } from './runProblem.ts';

/** What the callback wrote by console.log in the latest run that had it, its newest line in sight. Absent while there is nothing. */
export function RunLines({ callback }: { readonly callback: FormCallback }) {
  const text = useText();
  const lines = useStore(
    jobsStore,
    useShallow((jobs) => runLines(jobs, callback)),
  );
  const box = useRef<HTMLDivElement>(null);
  const newest = lines.at(-1);
  useEffect(() => {
    if (box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [newest]);
  if (lines.length === 0) return null;
  return (
    <section className={styles.log} aria-label={text.t('callbacks.written')} data-testid="callback-log">
      <h3 className={styles.title}>{text.t('callbacks.written')}</h3>
      <div ref={box} className={styles.lines} tabIndex={0} role="log">
        {lines.map((line, index) => (
          <p key={`${String(line.stepIndex)} ${String(index)}`}>{lineText(line, text)}</p>
        ))}
      </div>
    </section>
  );
}

export function lineText({ stepIndex, text }: CallbackLine, { t }: Text): string {
  return stepIndex < 0 ? text : t('callbacks.writtenAt', { step: stepIndex + 1, text });
}
