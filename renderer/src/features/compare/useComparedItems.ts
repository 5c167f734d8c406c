import { useMemo } from 'react';
import { useStore } from 'zustand';
import type { JobSnapshot, Picture } from '../../../../shared/job.ts';
import { branchName } from '../../i18n/branchText.ts';
import { useText } from '../../i18n/useText.ts';
import { comparedFrame, comparedKey, compareStore, type Compared, type ComparedFrame } from '../../stores/compare.ts';
import { jobsStore } from '../../stores/jobs.ts';
import { promptOf } from '../../stores/pictureFacts.ts';

/** One of what is compared, as it stands. */
export interface ComparedItem {
  readonly key: string;
  readonly item: Compared;
  readonly job: JobSnapshot | null;
  readonly picture: Picture | null;
  readonly name: string;
  readonly frame: ComparedFrame | null;
}

/** What is chosen to compare, without runs that are gone. */
export function useComparedItems(): readonly ComparedItem[] {
  const text = useText();
  const chosen = useStore(compareStore, (compare) => compare.chosen);
  const step = useStore(compareStore, (compare) => compare.step);
  const byId = useStore(jobsStore, (jobs) => jobs.byId);
  return useMemo(
    () =>
      chosen.flatMap((item) => {
        const job = (item.kind === 'run' ? byId[item.jobId] : byId[item.picture.jobId]) ?? null;
        if (item.kind === 'run' && job === null) return [];
        const picture = item.kind === 'picture' ? item.picture : (job?.pictures[0] ?? null);
        const prompt = picture === null ? '' : promptOf(picture);
        const name = job !== null ? branchName(job, Object.values(byId), text) : prompt.trim() === '' ? text.t('canvas.noPrompt') : prompt;
        return [{ key: comparedKey(item), item, job, picture, name, frame: comparedFrame(item, job, step) }];
      }),
    [chosen, step, byId, text],
  );
}
