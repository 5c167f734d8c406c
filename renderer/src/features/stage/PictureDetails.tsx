import { batchSize, guidedSteps } from '../../../../shared/generation.ts';
import type { Picture } from '../../../../shared/job.ts';
import { schedulerLabels, sigmaScheduleLabels } from '../../../../shared/samplers.ts';
import { settingValue } from '../../i18n/settingText.ts';
import { useText, type Text } from '../../i18n/useText.ts';
import { changedOf, isOfBatch, promptOf, seedOf } from '../../stores/pictureFacts.ts';
import { savedShare } from '../../stores/runProgress.ts';
import styles from './PictureDetails.module.css';

export function PictureDetails({ picture }: { readonly picture: Picture }) {
  const text = useText();
  const rows = [...mainRows(picture, text), ...startRows(picture, text), ...loraRows(picture, text), ...changedRows(picture, text), ...factRows(picture, text)];
  return (
    <dl className={styles.list} tabIndex={0} aria-label={text.t('picture.detailsTitle')}>
      {rows.map(([term, value]) => (
        <div key={term} className={styles.row}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

type Rows = readonly (readonly [term: string, value: string])[];

function mainRows(picture: Picture, { t, format }: Text): Rows {
  const { request } = picture;
  const prompt = promptOf(picture);
  const guidance = {
    scale: format.number(request.guidanceScale),
    guided: request.guidanceScale <= 1 ? 0 : Math.min(picture.stepsDone, guidedSteps(request.guidanceEnd, picture.numTimesteps)),
    total: picture.stepsDone,
  };
  const sampler = schedulerLabels[request.scheduler];
  const schedule = sigmaScheduleLabels[request.sigmaSchedule];
  return [
    [t('picture.prompt'), prompt === '' ? t('picture.none') : prompt],
    [t('picture.negativePrompt'), request.negativePrompt ?? t('picture.none')],
    [t('picture.model'), picture.modelName],
    [t('picture.size'), `${String(picture.width)} × ${String(picture.height)}`],
    [t('picture.steps'), t('picture.stepsOf', { done: picture.stepsDone, total: picture.numTimesteps })],
    [t('picture.scheduler'), request.sigmaSchedule === 'automatic' ? sampler : t('picture.samplerWith', { sampler, schedule })],
    [t('picture.guidance'), t('picture.guidedUntil', guidance)],
    [t('picture.seed'), seedOf(picture)],
    ...(isOfBatch(picture)
      ? ([[t('picture.place'), t('picture.placeOf', { index: picture.batchIndex + 1, total: batchSize(request) })]] as const)
      : []),
  ];
}

/** What image-to-image and inpainting started from. */
function startRows({ request }: Picture, { t, format }: Text): Rows {
  if (request.task === 'text-to-image') return [];
  const rows: [string, string][] = [[t('picture.task'), t(`task.${request.task}`)]];
  if (request.denoisingStart === null) rows.push([t('picture.strength'), format.number(request.strength, 3)]);
  if (request.maskPadding !== null) rows.push([t('picture.maskArea'), t('picture.maskAround', { count: request.maskPadding })]);
  if (!request.keepUnmasked) rows.push([t('picture.unmasked'), t('picture.unmaskedDrawn')]);
  return rows;
}

/** Those of the list; tags stand in the prompt. */
function loraRows({ request }: Picture, { t, format }: Text): Rows {
  if (request.loras.length === 0) return [];
  return [[t('loras.title'), request.loras.map(({ name, strength }) => `${name} ${format.number(strength)}`).join(', ')]];
}

/** Of the Advanced section, only what differs from its default. */
function changedRows({ request }: Picture, { t }: Text): Rows {
  const { ids, form } = changedOf(request);
  return ids.filter((id) => id !== 'morePrompts').map((id) => [t(`advanced.${id}`), settingValue(id, form, t)]);
}

function factRows(picture: Picture, { t, format }: Text): Rows {
  const saved = picture.unetEvaluationsSaved;
  const shallow = picture.unetEvaluationsShallow ?? 0;
  const evaluations = {
    total: picture.unetEvaluationsTotal,
    saved,
    percent: format.percent(savedShare(saved, picture.stepsDone)),
  };
  return [
    [t('picture.evaluations'), t('picture.evaluationsSaved', evaluations)],
    ...(shallow === 0 ? [] : ([[t('picture.outermost'), t('picture.shallow', { count: shallow })]] as const)),
    [t('picture.seconds'), format.duration(picture.seconds * 1000)],
    [t('picture.device'), t(`provider.${picture.provider}`)],
    [t('picture.made'), format.dateTime(picture.createdAt)],
  ];
}
