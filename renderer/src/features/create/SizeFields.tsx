import { ArrowLeftRight, Image, Scan } from 'lucide-react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { formStore, setForm } from '../../stores/form.ts';
import { pictureSize, takePictureSize } from '../../stores/inputs.ts';
import { useModel } from '../../stores/useModel.ts';
import { IconButton } from '../../ui/IconButton.tsx';
import { FormNumber } from './FormNumber.tsx';
import styles from './SizeFields.module.css';

export function SizeFields() {
  const { t } = useText();
  const model = useModel();
  const width = useStore(formStore, (form) => form.width);
  const height = useStore(formStore, (form) => form.height);
  const start = useStore(formStore, (form) => (form.task === 'text-to-image' ? null : form.image));
  const range = { min: model?.minSide ?? 64, max: model?.maxSide ?? 2048, step: model?.sizeMultiple ?? 8 };
  const isSet = (size: { readonly width: number; readonly height: number }): boolean =>
    width === String(size.width) && height === String(size.height);
  // The start picture has its own measure; without one it is the model's.
  const own = start === null ? null : pictureSize(formStore.getState());
  return (
    <div className={styles.row} role="group" aria-label={t('form.size')}>
      <FormNumber field="width" label={t('form.width')} {...range} />
      <IconButton
        className={styles.button}
        label={t('form.swap')}
        icon={<ArrowLeftRight aria-hidden />}
        size="s"
        onClick={() => setForm({ width: height, height: width })}
      />
      <FormNumber field="height" label={t('form.height')} {...range} />
      {model === null || own !== null ? null : (
        <IconButton
          className={styles.button}
          label={t('form.nativeSize', { width: model.width, height: model.height })}
          icon={<Scan aria-hidden />}
          size="s"
          disabled={isSet(model)}
          onClick={() => setForm({ width: String(model.width), height: String(model.height) })}
        />
      )}
      {own === null ? null : (
        <IconButton
          className={styles.button}
          label={t('form.pictureSize', { ...own })}
          icon={<Image aria-hidden />}
          size="s"
          disabled={isSet(own)}
          onClick={takePictureSize}
        />
      )}
    </div>
  );
}
