import { Info } from 'lucide-react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { inputsStore } from '../../stores/inputs.ts';
import styles from './PictureNotes.module.css';

/** What was changed on the way in; nothing is changed in silence. */
export function PictureNotes({ imageId }: { readonly imageId: string }) {
  const { t } = useText();
  const about = useStore(inputsStore, (inputs) => inputs.about);
  const notes = useStore(inputsStore, (inputs) => inputs.notes);
  if (about !== imageId || notes.length === 0) return null;
  return (
    <ul className={styles.notes} role="status">
      {notes.map((note) => (
        <li key={note} className={styles.note}>
          <Info aria-hidden />
          {t(`start.note.${note}`)}
        </li>
      ))}
    </ul>
  );
}
