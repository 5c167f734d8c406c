import { useRef } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { branchesStore, closeFork } from '../../stores/branches.ts';
import { forkPlan } from '../../stores/forkPanel.ts';
import { jobsStore } from '../../stores/jobs.ts';
import { viewStore } from '../../stores/view.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { ForkForm } from './ForkForm.tsx';
import type { ForkCurveSlot } from './ForkGuidance.tsx';

/** A run goes on from one of its steps another way, or what was done to it is done otherwise. */
export function ForkDialog({ curve }: { readonly curve: ForkCurveSlot }) {
  const { t } = useText();
  const open = useStore(viewStore, (view) => view.dialog === 'fork');
  const target = useStore(branchesStore, (branches) => branches.target);
  const job = useStore(jobsStore, (jobs) => jobs.byId[target?.jobId ?? '']);
  const first = useRef<HTMLTextAreaElement>(null);
  if (target === null || job === undefined) return null;
  const plan = forkPlan(job, target);
  const values = { step: target.entry === null ? plan.stepIndex + 1 : plan.base.done, total: plan.base.settings.numTimesteps };
  return (
    <Dialog
      open={open}
      title={plan.edited === null ? t('fork.title', values) : t('fork.editTitle', values)}
      closeLabel={t('common.close')}
      width={760}
      height={760}
      initialFocus={first}
      onClose={closeFork}
    >
      <ForkForm key={`${target.jobId} ${String(target.entry)}`} plan={plan} first={first} curve={curve} />
    </Dialog>
  );
}
