import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { appStore } from '../../stores/app.ts';
import { Spinner } from '../../ui/Spinner.tsx';
import styles from './LinkBanner.module.css';

/** Says that the core is out of reach, and that nothing needs to be done. */
export function LinkBanner() {
  const { t } = useText();
  const link = useStore(appStore, (state) => state.link);
  return (
    <div className={styles.place} role="status">
      {link === 'lost' ? (
        <p className={styles.banner}>
          <Spinner />
          {t('link.lost')}
        </p>
      ) : null}
    </div>
  );
}
