import { Copy, Download, FolderOpen, Trash2 } from 'lucide-react';
import { useStore } from 'zustand';
import { isEnded, type JobSnapshot, type Picture } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { appStore } from '../../stores/app.ts';
import { takeLibraryPicture } from '../../stores/inputs.ts';
import {
  copyPicture,
  deletePicture,
  revealPicture,
  savePicture,
  takeSeedOf,
  takeSettingsOf,
} from '../../stores/pictureActions.ts';
import { continueRun } from '../../stores/runControl.ts';
import { savedShare } from '../../stores/runProgress.ts';
import { Button } from '../../ui/Button.tsx';
import { IconButton } from '../../ui/IconButton.tsx';
import { Popover } from '../../ui/Popover.tsx';
import { PictureDetails } from './PictureDetails.tsx';
import styles from './rows.module.css';
import { RunWarnings } from './RunWarnings.tsx';

export interface ResultDockProps {
  readonly picture: Picture;
  /** The run it is of; null: it is not listed any more. */
  readonly job: JobSnapshot | null;
}

export function ResultDock({ picture, job }: ResultDockProps) {
  const { t, format } = useText();
  const desktop = useStore(appStore, (state) => state.info?.host === 'electron');
  const canReveal = useStore(appStore, (state) => state.info?.canReveal === true);
  const steps = { done: picture.stepsDone, total: picture.numTimesteps };
  const saved = picture.unetEvaluationsSaved;
  const shallow = picture.unetEvaluationsShallow ?? 0;
  return (
    <>
      <div className={styles.status}>
        <span className={styles.headline}>{picture.completeness === 'partial' ? t('run.kept', steps) : t('run.finished', { count: picture.stepsDone })}</span>
        <span className={styles.fact}>{format.duration(picture.seconds * 1000)}</span>
        <span className={styles.fact}>{t(`provider.${picture.provider}`)}</span>
        <span className={styles.fact} data-testid="savings">
          {saved === 0
            ? shallow === 0
              ? t('picture.noSavings')
              : t('picture.shallow', { count: shallow })
            : t('picture.savings', { count: saved, percent: format.percent(savedShare(saved, picture.stepsDone)) })}
        </span>
        {job === null ? null : <RunWarnings job={job} />}
      </div>
      <div className={styles.actions} role="group" aria-label={t('picture.actions')}>
        {job !== null && mayGoOn(picture, job) ? (
          <Button look="primary" title={t('run.resumeHint')} onClick={() => void continueRun(job.jobId)}>
            {t('run.resume')}
          </Button>
        ) : null}
        <Button icon={<Download aria-hidden />} onClick={() => void savePicture(picture)}>
          {desktop ? t('picture.save') : t('picture.download')}
        </Button>
        <IconButton label={t('picture.copy')} icon={<Copy aria-hidden />} onClick={() => void copyPicture(picture)} />
        {canReveal ? (
          <IconButton label={t('picture.reveal')} icon={<FolderOpen aria-hidden />} onClick={() => void revealPicture(picture)} />
        ) : null}
        <Button look="quiet" onClick={() => void takeLibraryPicture(picture)}>
          {t('picture.useAsStart')}
        </Button>
        <Button look="quiet" onClick={() => takeSeedOf(picture)}>
          {t('picture.useSeed')}
        </Button>
        <Button look="quiet" onClick={() => takeSettingsOf(picture.request)}>
          {t('picture.useAll')}
        </Button>
        <Popover side="top" align="end" title={t('picture.detailsTitle')} trigger={<Button look="quiet">{t('picture.details')}</Button>}>
          <PictureDetails picture={picture} />
        </Popover>
        <IconButton
          className={styles.push}
          label={t('picture.delete')}
          icon={<Trash2 aria-hidden />}
          onClick={() => void deletePicture(picture)}
        />
      </div>
    </>
  );
}

/** What was kept of a run half-way takes nothing from it: it can still be drawn to its end. */
function mayGoOn(picture: Picture, job: JobSnapshot): boolean {
  return picture.completeness === 'partial' && isEnded(job.state) && job.state !== 'finished';
}
