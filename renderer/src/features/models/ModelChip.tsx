import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { appStore } from '../../stores/app.ts';
import { formStore } from '../../stores/form.ts';
import { modelLibraryStore } from '../../stores/modelLibrary.ts';
import { currentModel } from '../../stores/models.ts';
import { viewStore } from '../../stores/view.ts';
import { Chip } from '../../ui/Chip.tsx';
import styles from './ModelChip.module.css';

/** The model in use, and how far downloads are; opens the models. */
export function ModelChip() {
  const { t, format } = useText();
  const modelId = useStore(formStore, (form) => form.modelId);
  const name = useStore(appStore, (state) => currentModel(state, modelId)?.name ?? '');
  const share = useStore(modelLibraryStore, ({ downloads }) => {
    const running = downloads.filter(({ state }) => state === 'running' || state === 'checking');
    const total = running.reduce((sum, { bytesTotal }) => sum + bytesTotal, 0);
    // Whole percents: the chip is not drawn again for less.
    return total === 0 ? null : Math.floor((100 * running.reduce((sum, { bytesDone }) => sum + bytesDone, 0)) / total);
  });
  return (
    <Chip
      className={styles.chip}
      data-testid="model-chip"
      aria-label={t('models.open', { name })}
      text={name}
      after={share === null ? null : <span className={styles.share}>{format.percent(share / 100)}</span>}
      onClick={() => viewStore.setState({ dialog: 'models' })}
    />
  );
}
