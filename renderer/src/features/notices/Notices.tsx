import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { noticesStore } from '../../stores/notices.ts';
import { NoticeItem } from './NoticeItem.tsx';
import styles from './Notices.module.css';

/** Short notices at the bottom; errors stay until dismissed. */
export function Notices() {
  const { t } = useText();
  const notices = useStore(noticesStore, (state) => state.notices);
  return (
    <section className={styles.region} aria-label={t('notice.region')}>
      {notices.map((notice) => (
        <NoticeItem key={notice.id} notice={notice} />
      ))}
    </section>
  );
}
