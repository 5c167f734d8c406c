import { useEffect, useId, useRef } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { formStore } from '../../stores/form.ts';
import { forgetRefusal } from '../../stores/formChecks.ts';
import { cancelTaking, inputsStore, takePictureFile } from '../../stores/inputs.ts';
import { Button } from '../../ui/Button.tsx';
import { errorId } from '../../ui/Field.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import { ChooseFile } from './ChooseFile.tsx';
import { MaskLine } from './MaskLine.tsx';
import styles from './PictureField.module.css';
import { PictureNotes } from './PictureNotes.tsx';
import { StartCard } from './StartCard.tsx';

/** The picture a run starts from: dropped, pasted, chosen or taken from the history. */
export function PictureField() {
  const { t } = useText();
  const id = useId();
  const task = useStore(formStore, (form) => form.task);
  const image = useStore(formStore, (form) => form.image);
  const busy = useStore(inputsStore, (inputs) => inputs.busy);
  const problem = useStore(inputsStore, (inputs) => inputs.problem);
  const message = useRef<HTMLParagraphElement>(null);

  // A file let go over the stage may belong to a field that is scrolled away.
  useEffect(() => {
    if (problem !== null) message.current?.scrollIntoView({ block: 'nearest' });
  }, [problem]);

  const error = problem === null ? null : t(`start.problem.${problem.key}`, problem.key === 'tooLarge' ? { width: problem.width, height: problem.height } : {});
  const choose = (file: File): void => {
    forgetRefusal('image');
    void takePictureFile(file, file.name);
  };
  const input = { label: image === null ? t('start.choose') : t('start.replace'), invalid: error !== null, describedBy: errorId(id), onFile: choose };
  return (
    <div className={styles.field} role="group" aria-label={t('start.label')} data-testid="picture-field">
      <span className={styles.label} aria-hidden>
        {t('start.label')}
      </span>
      {busy !== null ? (
        <div className={styles.busy} role="status">
          <Spinner />
          <span className={styles.phase}>{t(`start.busy.${busy}`)}</span>
          <Button size="s" look="quiet" onClick={cancelTaking}>
            {t('start.cancel')}
          </Button>
        </div>
      ) : image === null ? (
        <div className={styles.empty}>
          <ChooseFile {...input} />
          <p className={styles.hint}>{t('start.hint')}</p>
        </div>
      ) : (
        <StartCard image={image} choose={<ChooseFile {...input} size="s" />} />
      )}
      {error === null ? null : (
        <p ref={message} id={errorId(id)} className={styles.error} role="alert">
          {error}
        </p>
      )}
      {image === null ? null : <PictureNotes imageId={image.id} />}
      {task === 'inpaint' && image !== null ? <MaskLine /> : null}
    </div>
  );
}
