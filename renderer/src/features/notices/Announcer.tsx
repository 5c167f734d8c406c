import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { announcementsStore } from '../../stores/announcements.ts';
import hidden from '../../ui/hidden.module.css';

/** Progress for people who listen. */
export function Announcer() {
  const { t } = useText();
  const latest = useStore(announcementsStore, (state) => state.latest);
  return (
    <div className={hidden.hidden} role="status" aria-live="polite">
      {latest === null ? '' : t(`announce.${latest.key}`, latest.values)}
    </div>
  );
}
