import { useId, useState } from 'react';
import type { JobSnapshot } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { readInteger } from '../../stores/readText.ts';
import { canForkAt, finishIn, shortFinish } from '../../stores/runControl.ts';
import { jobSteps } from '../../stores/stepPlan.ts';
import { Button } from '../../ui/Button.tsx';
import { NumberField } from '../../ui/NumberField.tsx';
import styles from './FinishIn.module.css';

const most = 100;

/** The rest of a run in few steps, as a run beside it: the one that stopped can still go on as it was. */
export function FinishIn({ job }: { readonly job: JobSnapshot }) {
  const { t } = useText();
  const id = useId();
  const left = jobSteps(job) - job.steps.length;
  const [text, setText] = useState(String(shortFinish(left)));
  const steps = readInteger(text, 1, most);
  const label = t('run.finishSteps');
  if (!canForkAt(job, job.steps.length - 1)) return null;
  return (
    <span className={styles.finish}>
      <NumberField
        id={id}
        className={styles.steps}
        label={label}
        text={text}
        min={1}
        max={most}
        step={1}
        invalid={steps === null}
        decreaseLabel={t('common.decrease', { label })}
        increaseLabel={t('common.increase', { label })}
        onText={setText}
      />
      <Button title={t('run.finishHint')} disabled={steps === null} onClick={() => (steps === null ? undefined : void finishIn(job, steps))}>
        {t('run.finishIn', { count: steps ?? 0 })}
      </Button>
    </span>
  );
}
