import { ArrowLeftRight, Scan } from 'lucide-react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { appStore } from '../../stores/app.ts';
import { formStore, setForm } from '../../stores/form.ts';
import { currentModel } from '../../stores/models.ts';
import { IconButton } from '../../ui/IconButton.tsx';
import { FormNumber } from './FormNumber.tsx';
import styles from './SizeFields.module.css';

export function SizeFields() {
  const { t } = useText();
  const modelId = useStore(formStore, (form) => form.modelId);
  const model = useStore(appStore, (state) => currentModel(state, modelId));
  const native = useStore(formStore, (form) => form.width === String(model?.width) && form.height === String(model?.height));
  const range = { min: model?.minSide ?? 64, max: model?.maxSide ?? 2048, step: model?.sizeMultiple ?? 8 };
  return (
    <div className={styles.row} role="group" aria-label={t('form.size')}>
      <FormNumber field="width" label={t('form.width')} {...range} />
      <IconButton
        className={styles.button}
        label={t('form.swap')}
        icon={<ArrowLeftRight aria-hidden />}
        size="s"
        onClick={() => setForm({ width: formStore.getState().height, height: formStore.getState().width })}
      />
      <FormNumber field="height" label={t('form.height')} {...range} />
      {model === null ? null : (
        <IconButton
          className={styles.button}
          label={t('form.nativeSize', { width: model.width, height: model.height })}
          icon={<Scan aria-hidden />}
          size="s"
          disabled={native}
          onClick={() => setForm({ width: String(model.width), height: String(model.height) })}
        />
      )}
    </div>
  );
}
