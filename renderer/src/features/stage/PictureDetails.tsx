import { guidedSteps, schedulerLabels } from '../../../../shared/generation.ts';
import type { Picture } from '../../../../shared/job.ts';
import { useText, type Text } from '../../i18n/useText.ts';
import { savedShare } from '../../stores/runProgress.ts';
import styles from './PictureDetails.module.css';

export function PictureDetails({ picture }: { readonly picture: Picture }) {
  const text = useText();
  return (
    <dl className={styles.list} tabIndex={0} aria-label={text.t('picture.detailsTitle')}>
      {rowsOf(picture, text).map(([term, value]) => (
        <div key={term} className={styles.row}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function rowsOf(picture: Picture, { t, format }: Text): readonly (readonly [string, string])[] {
  const { request, unetEvaluationsSaved: saved } = picture;
  const guidance = {
    scale: format.number(request.guidanceScale),
    guided: request.guidanceScale <= 1 ? 0 : Math.min(picture.stepsDone, guidedSteps(request.guidanceEnd, picture.numTimesteps)),
    total: picture.stepsDone,
  };
  const evaluations = {
    total: picture.unetEvaluationsTotal,
    saved,
    percent: format.percent(savedShare(saved, picture.stepsDone)),
  };
  return [
    [t('picture.prompt'), request.prompt === '' ? t('picture.none') : request.prompt],
    [t('picture.negativePrompt'), request.negativePrompt ?? t('picture.none')],
    [t('picture.model'), picture.modelName],
    [t('picture.size'), `${String(picture.width)} × ${String(picture.height)}`],
    [t('picture.steps'), t('picture.stepsOf', { done: picture.stepsDone, total: picture.numTimesteps })],
    [t('picture.guidance'), t('picture.guidedUntil', guidance)],
    [t('picture.scheduler'), schedulerLabels[request.scheduler]],
    [t('picture.seed'), request.seed],
    [t('picture.evaluations'), t('picture.evaluationsSaved', evaluations)],
    [t('picture.seconds'), format.duration(picture.seconds * 1000)],
    [t('picture.device'), t(`provider.${picture.provider}`)],
    [t('picture.made'), format.dateTime(picture.createdAt)],
  ];
}
