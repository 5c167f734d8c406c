import { Brush, ImagePlus } from 'lucide-react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { formStore } from '../../stores/form.ts';
import { inputsStore, takePictureFile } from '../../stores/inputs.ts';
import { isMac } from '../../stores/keyboard.ts';
import { Spinner } from '../../ui/Spinner.tsx';
import { ChooseFile } from './ChooseFile.tsx';
import styles from './StartEmpty.module.css';

/** On the stage while a picture is still needed. */
export function StartEmpty() {
  const { t } = useText();
  const inpaint = useStore(formStore, (form) => form.task === 'inpaint');
  const busy = useStore(inputsStore, (inputs) => inputs.busy);
  const keys = isMac() ? '⌘V' : 'Ctrl+V';
  return (
    <div className={styles.empty}>
      {inpaint ? <Brush className={styles.icon} aria-hidden /> : <ImagePlus className={styles.icon} aria-hidden />}
      <h2 className={styles.title}>{inpaint ? t('start.inpaintTitle') : t('start.imageTitle')}</h2>
      <p className={styles.text}>{inpaint ? t('start.inpaintText', { keys }) : t('start.imageText', { keys })}</p>
      <div className={styles.choose}>
        {busy === null ? (
          <ChooseFile label={t('start.choose')} onFile={(file) => void takePictureFile(file, file.name)} />
        ) : (
          <>
            <Spinner />
            {t(`start.busy.${busy}`)}
          </>
        )}
      </div>
    </div>
  );
}
