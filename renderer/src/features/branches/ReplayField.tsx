import { History, X } from 'lucide-react';
import { useStore } from 'zustand';
import { steeringParts } from '../../i18n/steeringText.ts';
import { useText } from '../../i18n/useText.ts';
import { formStore, setForm } from '../../stores/form.ts';
import { IconButton } from '../../ui/IconButton.tsx';
import styles from './ReplayField.module.css';

/** The settings of a picture whose run was steered bring along what was done: seen before the button, and left out by one click. */
export function ReplayField() {
  const text = useText();
  const { t } = text;
  const steering = useStore(formStore, (form) => form.steering);
  if (steering.length === 0) return null;
  return (
    <div className={styles.row} data-testid="replay">
      <History className={styles.icon} aria-hidden />
      <details className={styles.words}>
        <summary>{t('replay.summary', { count: steering.length })}</summary>
        <ol className={styles.list}>
          {steering.map((entry, index) => (
            <li key={`${String(entry.afterStep)} ${String(index)}`}>
              {t('replay.entry', { step: entry.afterStep + 1, what: steeringParts(entry.steering, text, 'whole').join(', ') })}
            </li>
          ))}
        </ol>
      </details>
      <IconButton size="s" label={t('replay.remove')} icon={<X aria-hidden />} onClick={() => setForm({ steering: [] })} />
    </div>
  );
}
