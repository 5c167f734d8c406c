import { Stethoscope, Trash2 } from 'lucide-react';
import type { TFunction } from 'i18next';
import { useRef, useState } from 'react';
import { useStore } from 'zustand';
import type { Model } from '../../../../shared/models.ts';
import type { Format } from '../../i18n/format.ts';
import { useText } from '../../i18n/useText.ts';
import { formStore } from '../../stores/form.ts';
import { applyModel, examineModel, modelLibraryStore, removeModel } from '../../stores/modelLibrary.ts';
import { Button } from '../../ui/Button.tsx';
import { cx } from '../../ui/cx.ts';
import { IconButton } from '../../ui/IconButton.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import text from '../../ui/text.module.css';
import { Ask } from './Ask.tsx';
import { CopyModel } from './CopyModel.tsx';
import { EditModel } from './EditModel.tsx';
import { FailureWords } from './FailureWords.tsx';
import { Findings } from './Findings.tsx';
import styles from './ModelRow.module.css';

/** A model there is: what it is, whether it is well, and how to use or to leave it. */
export function ModelRow({ model }: { readonly model: Model }) {
  const { t, format } = useText();
  const [open, setOpen] = useState(false);
  const [sure, setSure] = useState(false);
  const trash = useRef<HTMLButtonElement>(null);
  const details = useRef<HTMLButtonElement>(null);
  const inUse = useStore(formStore, (form) => form.modelId === model.id);
  const report = useStore(modelLibraryStore, (state) => state.reports[model.id] ?? null);
  const examining = useStore(modelLibraryStore, (state) => state.examining.includes(model.id));
  const copying = useStore(modelLibraryStore, (state) => state.copying.includes(model.id));
  const detailsId = `model-${model.id}`;
  const showDetails = (): void => {
    setOpen(!open);
    if (!open && report === null) void examineModel(model.id, false);
  };
  const toDetails = (): void => details.current?.focus();
  return (
    <li className={cx(styles.model, inUse && styles.inUse)} data-testid="model" data-model={model.id}>
      <div className={styles.row}>
        <div className={styles.words}>
          <span className={styles.name}>{model.name}</span>
          <span className={text.facts} title={model.path ?? undefined}>
            {factsOf(model, t, format).join(' · ')}
          </span>
          {model.problem === null ? null : (
            <span className={styles.problem}>
              <FailureWords failure={model.problem} />
            </span>
          )}
          {model.uncertain.length === 0 ? null : <span className={styles.uncertain}>{t('models.uncertain')}</span>}
          <span className={text.facts} role="status">
            {copying ? t('models.copying') : ''}
          </span>
        </div>
        {inUse ? <span className={styles.mark}>{t('models.inUse')}</span> : null}
        {inUse || model.problem !== null ? null : (
          <Button size="s" aria-label={t('models.useNamed', { name: model.name })} onClick={() => applyModel(model)}>
            {t('models.choose')}
          </Button>
        )}
        {model.problem?.code === 'NO_PLACE' ? <CopyModel model={model} onStart={toDetails} /> : null}
        <IconButton
          ref={details}
          label={t('models.details', { name: model.name })}
          icon={<Stethoscope aria-hidden />}
          size="s"
          aria-expanded={open}
          aria-controls={detailsId}
          onClick={showDetails}
        />
        {model.builtIn ? null : (
          <IconButton label={t(model.isOwn ? 'models.delete' : 'models.forget', { name: model.name })} icon={<Trash2 aria-hidden />} size="s" ref={trash} onClick={() => setSure(true)} />
        )}
      </div>
      {sure ? (
        <Ask
          title={t('models.askTitle', { name: model.name })}
          text={t(model.isOwn ? 'models.askDelete' : 'models.askForget', { size: format.bytes(model.bytes), path: model.path ?? '' })}
          confirmLabel={t(model.isOwn ? 'models.deleteNow' : 'models.forgetNow')}
          keepLabel={t('models.keepIt')}
          onConfirm={() => {
            // The row goes, and the focus with it.
            trash.current?.closest<HTMLElement>('[role="dialog"]')?.focus();
            void removeModel(model).then(() => setSure(false));
          }}
          onKeep={() => {
            setSure(false);
            trash.current?.focus();
          }}
        />
      ) : null}
      {open ? (
        <div id={detailsId} className={styles.details}>
          {model.origin === 'checkpoint' || model.origin === 'diffusers' ? <EditModel model={model} onCopy={toDetails} /> : null}
          {report === null ? <p className={text.facts}>{t('models.notExamined')}</p> : <Findings report={report} />}
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
    ...(model.graphs === 'beside' || model.graphs === 'copied' ? [t(`models.graphs.${model.graphs}`)] : []),
    ...(model.bytes > 0 ? [format.bytes(model.bytes)] : []),
    ...(model.hash === null ? [] : [model.hash.slice(0, 10)]),
    ...(model.repo === null ? [] : [model.repo.id]),
  ];
}
