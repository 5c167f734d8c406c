import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { appStore } from '../../stores/app.ts';
import { Spinner } from '../../ui/Spinner.tsx';
import styles from './LinkBanner.module.css';

const retriesBeforeAdvice = 4;

/** Says that the core is out of reach, and that nothing needs to be done. */
export function LinkBanner() {
  const { t } = useText();
  const link = useStore(appStore, (state) => state.link);
  // A page served on loopback cannot know a new start's address; its reader can.
  const gone = useStore(appStore, (state) => state.info?.host === 'web' && state.retries > retriesBeforeAdvice);
  return (
    <div className={styles.place} role="status">
      {link === 'lost' ? (
        <p className={styles.banner}>
          <Spinner />
          {gone ? t('link.gone') : t('link.lost')}
        </p>
      ) : null}
    </div>
  );
}
