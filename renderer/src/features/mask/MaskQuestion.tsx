import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { maskStore } from '../../stores/mask.ts';
import { dismissMaskImport, maskImportStore, scaleMaskImport } from '../../stores/maskFile.ts';
import { Button } from '../../ui/Button.tsx';
import styles from './MaskQuestion.module.css';

/** A picture that was to be the mask cannot be, or not as it is. */
export function MaskQuestion() {
  const { t } = useText();
  const { problem, waiting } = useStore(maskImportStore);
  const sides = useStore(maskStore, (mask) => mask.sides);
  if (problem === null || sides === null) return null;
  const values = { width: waiting?.width ?? 0, height: waiting?.height ?? 0, wantedWidth: sides.width, wantedHeight: sides.height };
  return (
    <div className={styles.question} role="alert">
      <p className={styles.words}>{problem === 'sides' ? t('mask.importSides', values) : t('mask.importBad')}</p>
      {problem === 'sides' ? (
        <Button size="s" look="primary" onClick={() => void scaleMaskImport()}>
          {t('mask.importScale')}
        </Button>
      ) : null}
      <Button size="s" look="quiet" onClick={dismissMaskImport}>
        {problem === 'sides' ? t('start.cancel') : t('common.dismiss')}
      </Button>
    </div>
  );
}
