import { Download, Eye, Square, Trash2, X } from 'lucide-react';
import { useState } from 'react';
import { isEnded } from '../../../../shared/job.ts';
import { branchState } from '../../i18n/branchText.ts';
import { useText } from '../../i18n/useText.ts';
import { branchesStore, discardBranch, keepBranch, stopBranch } from '../../stores/branches.ts';
import { closeCompare, toggleCompared } from '../../stores/compare.ts';
import { deletePicture } from '../../stores/pictureActions.ts';
import { showJob, showPicture } from '../../stores/view.ts';
import { Button } from '../../ui/Button.tsx';
import { IconButton } from '../../ui/IconButton.tsx';
import styles from './compare.module.css';
import type { ComparedItem } from './useComparedItems.ts';

/** The name of a compared picture, and what can be done with it. */
export function ComparedCaption({ compared, mark }: { readonly compared: ComparedItem; readonly mark?: string }) {
  const text = useText();
  const { t } = text;
  const { item, job, picture, name, frame } = compared;
  const [confirming, setConfirming] = useState(false);
  const running = job !== null && !isEnded(job.state);
  const show = (): void => {
    closeCompare();
    if (item.kind === 'run') showJob(item.jobId);
    else showPicture(item.picture);
  };
  const discard = async (): Promise<void> => {
    if (!confirming) {
      setConfirming(true);
      return;
    }
    setConfirming(false);
    if (item.kind === 'picture') await deletePicture(item.picture);
    else if (job !== null) {
      // It was asked for twice here.
      branchesStore.setState({ confirming: job.jobId });
      await discardBranch(job);
    }
    toggleCompared(item);
  };
  return (
    <div className={styles.caption} role="group" aria-label={name}>
      {mark === undefined ? null : <span className={styles.mark}>{mark}</span>}
      <span className={styles.words} title={name}>
        <span className={styles.name}>{name}</span>
        <span className={styles.state}>
          {frame === null || frame.step === null ? '' : `${t('compare.shorter', { step: frame.step })} · `}
          {job === null ? (picture === null ? '' : t('branches.state.finished')) : branchState(job, text)}
        </span>
      </span>
      {confirming ? (
        <Button look="danger" size="s" onClick={() => void discard()} onBlur={() => setConfirming(false)} autoFocus>
          {t('compare.confirm')}
        </Button>
      ) : (
        <>
          {job?.keepable === true ? <IconButton size="s" label={t('compare.keep')} icon={<Download aria-hidden />} onClick={() => keepBranch(job)} /> : null}
          <IconButton size="s" label={t('compare.show')} icon={<Eye aria-hidden />} onClick={show} />
          {running ? (
            <IconButton size="s" label={t('compare.stop')} icon={<Square aria-hidden />} onClick={() => stopBranch(job.jobId)} />
          ) : (
            <IconButton size="s" label={t('compare.discard')} icon={<Trash2 aria-hidden />} onClick={() => void discard()} />
          )}
          <IconButton size="s" label={t('compare.take')} icon={<X aria-hidden />} onClick={() => toggleCompared(item)} />
        </>
      )}
    </div>
  );
}
