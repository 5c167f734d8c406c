import { useStore } from 'zustand';
import type { InputImage } from '../../../../shared/generation.ts';
import { useText } from '../../i18n/useText.ts';
import { formStore } from '../../stores/form.ts';
import { maskStore } from '../../stores/mask.ts';
import styles from './rows.module.css';

/** Under the start picture: what is there, and how to go on. */
export function StartDock({ image }: { readonly image: InputImage }) {
  const { t, format } = useText();
  const inpaint = useStore(formStore, (form) => form.task === 'inpaint');
  const coverage = useStore(maskStore, (mask) => mask.coverage);
  const empty = useStore(maskStore, (mask) => mask.bounds === null);
  const masked = empty ? t('mask.empty') : t('mask.covers', { percent: format.percent(coverage) });
  return (
    <>
      <div className={styles.status}>
        <span className={styles.headline}>{inpaint ? masked : t('start.label')}</span>
        <span className={styles.fact}>
          {image.width} × {image.height}
        </span>
      </div>
      <p className={styles.tip}>{inpaint ? t('mask.tip') : t('start.tip')}</p>
    </>
  );
}
