import { Stethoscope, Trash2 } from 'lucide-react';
import type { TFunction } from 'i18next';
import { useState } from 'react';
import { useStore } from 'zustand';
import type { Model } from '../../../../shared/models.ts';
import type { Format } from '../../i18n/format.ts';
import { useFailureText } from '../../i18n/useFailureText.ts';
import { useText } from '../../i18n/useText.ts';
import { formStore } from '../../stores/form.ts';
import { applyModel, examineModel, modelLibraryStore, removeModel } from '../../stores/modelLibrary.ts';
import { Button } from '../../ui/Button.tsx';
import { cx } from '../../ui/cx.ts';
import { IconButton } from '../../ui/IconButton.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import { EditModel } from './EditModel.tsx';
import { Findings } from './Findings.tsx';
import styles from './ModelRow.module.css';

/** A model there is: what it is, whether it is well, and how to use or to leave it. */
export function ModelRow({ model }: { readonly model: Model }) {
  const { t, format } = useText();
  const failureText = useFailureText();
  const [open, setOpen] = useState(false);
  const [sure, setSure] = useState(false);
  const inUse = useStore(formStore, (form) => form.modelId === model.id);
  const report = useStore(modelLibraryStore, (state) => state.reports[model.id] ?? null);
  const examining = useStore(modelLibraryStore, (state) => state.examining.includes(model.id));
  const problem = model.problem === null ? null : failureText(model.problem);
  const detailsId = `model-${model.id}`;
  const showDetails = (): void => {
    setOpen(!open);
    if (!open && report === null) void examineModel(model.id, false);
  };
  return (
    <li className={cx(styles.model, inUse && styles.inUse)} data-testid="model" data-model={model.id}>
      <div className={styles.row}>
        <div className={styles.words}>
          <span className={styles.name}>{model.name}</span>
          <span className={styles.facts} title={model.path ?? undefined}>
            {factsOf(model, t, format).join(' · ')}
          </span>
          {problem === null ? null : (
            <span className={styles.problem}>
              {problem.message ?? problem.headline} {problem.nextStep}
            </span>
          )}
          {model.uncertain.length === 0 ? null : <span className={styles.uncertain}>{t('models.uncertain')}</span>}
        </div>
        {inUse ? <span className={styles.mark}>{t('models.inUse')}</span> : null}
        {inUse || model.problem !== null ? null : (
          <Button size="s" aria-label={t('models.useNamed', { name: model.name })} onClick={() => applyModel(model)}>
            {t('models.choose')}
          </Button>
        )}
        <IconButton
          label={t('models.details', { name: model.name })}
          icon={<Stethoscope aria-hidden />}
          size="s"
          aria-expanded={open}
          aria-controls={detailsId}
          onClick={showDetails}
        />
        {model.builtIn ? null : (
          <IconButton label={t(model.isOwn ? 'models.delete' : 'models.forget', { name: model.name })} icon={<Trash2 aria-hidden />} size="s" onClick={() => setSure(true)} />
        )}
      </div>
      {sure ? (
        <div className={styles.ask} role="alertdialog" aria-label={t('models.askTitle', { name: model.name })}>
          <p>{t(model.isOwn ? 'models.askDelete' : 'models.askForget', { size: format.bytes(model.bytes), path: model.path ?? '' })}</p>
          <Button size="s" look="danger" autoFocus onClick={() => void removeModel(model)}>
            {t(model.isOwn ? 'models.deleteNow' : 'models.forgetNow')}
          </Button>
          <Button size="s" look="quiet" onClick={() => setSure(false)}>
            {t('models.keepIt')}
          </Button>
        </div>
      ) : null}
      {open ? (
        <div id={detailsId} className={styles.details}>
          {model.origin === 'checkpoint' || model.origin === 'diffusers' ? <EditModel model={model} /> : null}
          {report === null ? <p className={styles.facts}>{t('models.notExamined')}</p> : <Findings report={report} />}
          <Button size="s" disabled={examining} icon={examining ? <Spinner /> : <Stethoscope aria-hidden />} onClick={() => void examineModel(model.id, true)}>
            {examining ? t('models.examining') : t('models.examine')}
          </Button>
        </div>
      ) : null}
    </li>
  );
}

function factsOf(model: Model, t: TFunction, format: Format): string[] {
  return [
    t(`models.family.${model.family}`),
    ...(model.tasks.includes('text-to-image') ? [] : [t('models.noText')]),
    `${model.width} × ${model.height}`,
    t(`models.origin.${model.origin}`),
    ...(model.bytes > 0 ? [format.bytes(model.bytes)] : []),
    ...(model.hash === null ? [] : [model.hash.slice(0, 10)]),
    ...(model.repo === null ? [] : [model.repo.id]),
  ];
}
